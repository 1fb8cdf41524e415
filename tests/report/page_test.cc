/// The page: escaped, whole, and nothing from elsewhere.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "report/charts.h"
#include "report/html.h"
#include "report/report.h"

namespace swath {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr char kNasty[] = "<script>alert('x')</script> \"a\" & \xff\x01.svs";
constexpr char kHarmless[] =
    "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &quot;a&quot; &amp; \xEF\xBF\xBD\xEF\xBF\xBD.svs";

TEST(Html, EscapesWhateverIsInNames) {
  EXPECT_EQ(html::Escape(kNasty), kHarmless);
  EXPECT_EQ(html::Escape("Größe 5 µm, 癌, 😀"), "Größe 5 µm, 癌, 😀");
  // Cut off, longer than need be, half of a surrogate pair, beyond the last character.
  for (const char* wrong : {"\xe2\x82", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80"})
    EXPECT_THAT(html::Escape(wrong), testing::StartsWith("\xEF\xBF\xBD")) << wrong;
}

TEST(Html, PutsFilesIntoThePage) {
  // RFC 4648, section 10.
  EXPECT_EQ(html::DataUri("image/jpeg", {'f', 'o', 'o', 'b', 'a'}), "data:image/jpeg;base64,Zm9vYmE=");
}

TEST(Html, TablesHaveHeadings) {
  html::Table table("caption", {{"slide"}, {"Dice", html::Column::Kind::kNumber}});
  table.Row({"a", "0.5"});
  EXPECT_THAT(table.Html(),
              AllOf(HasSubstr("<caption>caption</caption>"), HasSubstr("<th scope=\"col\">slide</th>"),
                    HasSubstr("<th scope=\"row\">a</th><td class=\"number\">0.5</td>")));
}

Report SmallReport() {
  Report report{.run = "runs/first/",
                .model = "unet",
                .model_sha256 = "0123",
                .split = "test",
                .unit = "slide",
                .task = "sorts pixels",
                .unseen = true,
                .warnings = {kNasty}};
  report.figure_names = {"Dice"};
  report.figures = {{"tissue", {{.value = 0.98765, .interval = {0.97, 0.99}}}}};
  report.classes = {"background", kNasty};
  report.confusion = Confusion(2);
  report.confusion->Add(0, 0, 1234567);
  report.confusion->Add(0, 1, 1);
  report.slide_columns = {"Dice"};
  report.slides = {
      {.name = kNasty, .remark = "Dice 0.5", .figures = {"0.5"}, .pictures = {{"reference", {1, 2}}}}};
  report.history.curves.train = {{1, 0.5, 0.5}, {2, 0.4, 0.6}};
  report.history.steps = 2;
  report.sessions = {{.csv = "/data/slides.csv", .loss = "bce", .seed = 42, .steps = 2}};
  report.sessions[0].environment.command = {"swath", "train", "--out", "it's here"};
  report.sessions[0].plan = nlohmann::json::object();
  report.config = "data = \"<b>\"\n";
  report.sessions[0].training_slides = 5;
  report.files = {{kNasty, "test", 2048, 1, "abcd", true}};
  return report;
}

TEST(ReportPage, IsOnePageThatNeedsNothingElse) {
  const std::string page = ReportPage(SmallReport());
  EXPECT_THAT(page, AllOf(testing::StartsWith("<!DOCTYPE html>"), testing::EndsWith("</html>\n")));
  EXPECT_THAT(page, AllOf(Not(HasSubstr("<script")), Not(HasSubstr("<link")), Not(HasSubstr("src=\"http")),
                          Not(HasSubstr("@import")), Not(HasSubstr("url("))));
  EXPECT_THAT(page, AllOf(HasSubstr(kHarmless), Not(HasSubstr("alert('x')"))));
  EXPECT_THAT(page, HasSubstr("<title>first – Swath report</title>"));
  EXPECT_THAT(page, AllOf(HasSubstr("0.9877"), HasSubstr("0.9700 to 0.9900")));
  EXPECT_THAT(page, HasSubstr("1\xE2\x80\xAF"
                              "234\xE2\x80\xAF"
                              "567"))
      << "a count of pixels";
  EXPECT_THAT(page, HasSubstr("100.00 %")) << "of the row";
  EXPECT_THAT(page, HasSubstr("src=\"data:image/jpeg;base64,AQI=\" alt=\""));
  EXPECT_THAT(page, HasSubstr("swath train --out &#39;it&#39;\\&#39;&#39;s here&#39;"));
  EXPECT_THAT(page, HasSubstr("data = &quot;&lt;b&gt;&quot;"));
  EXPECT_THAT(page, HasSubstr("changed since training"));
  EXPECT_THAT(page, HasSubstr("<dt>seed</dt><dd>42</dd>"));
  EXPECT_THAT(page, AllOf(HasSubstr("prefers-color-scheme: dark"), HasSubstr("@media print")));
  EXPECT_THAT(page, AllOf(HasSubstr("end to end on 5 slides"), Not(HasSubstr(">nan<"))));
}

TEST(ReportPage, SaysWhereThereIsNoInterval) {
  Report report = SmallReport();
  report.figures[0].figures[0].interval = Estimate().interval;
  report.confusion.reset();
  const std::string page = ReportPage(report);
  EXPECT_THAT(page,
              AllOf(HasSubstr("no interval"), Not(HasSubstr("nan")), Not(HasSubstr("Confusion matrix"))));
}

TEST(Charts, DrawWhatTheyAreGiven) {
  const std::string roc = DrawRoc({{"a <b>", {{0, 0}, {0, 1}, {1, 1}}}, {"c", {{0, 0}, {1, 1}}}});
  EXPECT_THAT(roc, AllOf(HasSubstr("a &lt;b&gt;"), HasSubstr("colour1"), Not(HasSubstr("nan"))));
  EXPECT_THAT(DrawScatter("age", {{5, 5, "one"}}), AllOf(HasSubstr("one: 5 for 5"), Not(HasSubstr("nan"))));
}

}  // namespace
}  // namespace swath
