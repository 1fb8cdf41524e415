/// `swath annotate`, as it is run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/whole_file.h"
#include "tests/tools/run_program.h"
#include "tests/train/slides.h"

namespace swath {
namespace {

using testing::HasSubstr;

class AnnotateTest : public testing::Test {
 protected:
  AnnotateTest() {
    test::WritePng(folder_.File("slide.png"), 60, 40, 3, [](int64_t, int64_t, int64_t c) { return 200 + c; });
    test::WriteFile(folder_.File("drawn.geojson"), R"({"type":"FeatureCollection","features":[
      {"type":"Feature","properties":{"classification":{"name":"Tumor"}},"geometry":{"type":"Polygon",
       "coordinates":[[[5.2,3],[50,8],[31,37.5],[9,30],[5.2,3]],[[20,12],[20,20],[28,20],[20,12]]]}},
      {"type":"Feature","properties":{"classification":{"name":"Stroma"}},"geometry":{"type":"Polygon",
       "coordinates":[[[40,2],[58,2],[58,30],[40,30],[40,2]]]}},
      {"type":"Feature","properties":{"classification":{"name":"Ignore*"}},"geometry":{"type":"Polygon",
       "coordinates":[[[1,30],[4,30],[4,39],[1,39],[1,30]]]}}]})");
  }

  test::Outcome Run(const std::vector<std::string>& arguments) const {
    std::vector<std::string> words = {"annotate"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    return test::RunProgram(words);
  }
  void Convert(const std::string& from, const std::string& to) const {
    const test::Outcome outcome = Run({"convert", folder_.File(from), "--slide", folder_.File("slide.png"),
                                       "--classes", "background,Tumor,Stroma", "-o", folder_.File(to)});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
  }
  std::string Text(const std::string& name) const { return test::ReadFile(folder_.File(name)); }

  TemporaryFolder folder_;
};

TEST_F(AnnotateTest, MasksAndOutlinesGiveEachOther) {
  for (const std::string mask : {"tif", "png"}) {
    Convert("drawn.geojson", "a." + mask);
    Convert("a." + mask, "a.geojson");
    Convert("a.geojson", "b." + mask);
    Convert("b." + mask, "b.geojson");
    EXPECT_EQ(Text("a." + mask), Text("b." + mask));
    EXPECT_EQ(Text("a.geojson"), Text("b.geojson"));
    for (const char* name : {"Tumor", "Stroma", "Ignore*"}) EXPECT_THAT(Text("a.geojson"), HasSubstr(name));
  }
}

TEST_F(AnnotateTest, OutlinesAreSimplified) {
  Convert("drawn.geojson", "mask.png");
  Convert("mask.png", "exact.geojson");
  const auto simplify = [&](const std::string& pixels) {
    return Run(
        {"convert", folder_.File("mask.png"), "-o", folder_.File("simple.geojson"), "--simplify", pixels});
  };
  EXPECT_EQ(simplify("1").status, 0);
  EXPECT_LT(Text("simple.geojson").size(), Text("exact.geojson").size());
  EXPECT_THAT(simplify("0.2").err,
              HasSubstr("--simplify: expected 0, or a number of at least 0.5, found '0.2'"));
}

TEST_F(AnnotateTest, InfoSaysWhatIsThere) {
  const test::Outcome text = Run({"info", folder_.File("drawn.geojson")});
  EXPECT_EQ(text.status, 0);
  EXPECT_THAT(text.out, HasSubstr("Tumor"));
  const test::Outcome json = Run({"info", "--json", folder_.File("drawn.geojson")});
  EXPECT_THAT(json.out, HasSubstr(R"("area_px": 504.0)"));
  EXPECT_THAT(json.out, HasSubstr(R"("area_mm2": null)"));
}

TEST_F(AnnotateTest, WhatIsWrongIsOneLineAndLeavesNothing) {
  const auto expect = [&](const std::vector<std::string>& arguments, int status, const std::string& message) {
    const test::Outcome outcome = Run(arguments);
    EXPECT_EQ(outcome.status, status);
    EXPECT_THAT(outcome.err, HasSubstr(message));
    EXPECT_EQ(outcome.err.find('\n'), outcome.err.size() - 1) << outcome.err;
    EXPECT_EQ(folder_.Count(), 2);
  };
  const std::string drawn = folder_.File("drawn.geojson"), out = folder_.File("m.tif"),
                    slide = folder_.File("slide.png");
  expect({"convert", drawn, "-o", out}, 2, "--slide is needed");
  expect({"convert", drawn, "-o", folder_.File("m.bmp")}, 2, "expected a .geojson, .tif or .png");
  expect({"convert", drawn, "--slide", slide, "--classes", "background,Tumor", "-o", out}, 3,
         "'Stroma' (1 area)");
  expect({"convert", drawn, "--slide", slide, "--label", "Stroma=nowhere", "-o", out}, 2,
         "--label Stroma=nowhere: expected ignore, region, nothing or a class");
  expect({"convert", slide, "-o", folder_.File("m.geojson")}, 4, "slide.png");
  expect({"info", folder_.File("none.xml")}, 3, "none.xml: expected annotations, found no such file");
  expect({"info", slide}, 3, "expected annotations in JSON or XML");
}

}  // namespace
}  // namespace swath
