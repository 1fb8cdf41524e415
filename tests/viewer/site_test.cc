#include "viewer/site.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "swath/error.h"
#include "tests/slide/images.h"
#include "tests/support/whole_file.h"

namespace swath::viewer {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

std::string TextOf(const Reply& reply) { return {reply.body->begin(), reply.body->end()}; }

class SiteTest : public ::testing::Test {
 protected:
  SiteTest() {
    testing::WriteTiff(slide_, {testing::Smooth(1000, 700, 3)},
                       {.tile_width = 256, .tile_height = 256, .mpp = 0.25});
    testing::WritePng(mask_, {10, 7, 1, std::vector<uint8_t>(70, 2)});
    test::WriteFile(outlines_,
                    R"({"type":"Feature","properties":{"classification":{"name":"tumour"}},"geometry":)"
                    R"({"type":"Polygon","coordinates":[[[0,0],[90,0],[90,90],[0,0]]]}})");
  }

  testing::TempFolder folder_;
  std::string slide_ = folder_ / "a.tif", mask_ = folder_ / "a_mask.png", outlines_ = folder_ / "a.geojson";
};

TEST_F(SiteTest, DescribesASlide) {
  Site site({{slide_, {*MatchResult(mask_, slide_), *MatchResult(outlines_, slide_)}}});
  EXPECT_TRUE(site.Open(0).empty());
  EXPECT_EQ(json::parse(TextOf(site.Get("slides.json"))), json::parse(R"({"slides": ["a.tif"]})"));
  const json slide = json::parse(TextOf(site.Get("slides/0.json")));
  EXPECT_EQ(slide["width"], 1000);
  EXPECT_EQ(slide["height"], 700);
  EXPECT_EQ(slide["levels"], 2);
  EXPECT_EQ(slide["mppX"], 0.25);
  EXPECT_EQ(slide["maps"][0]["name"], "a_mask.png");
  EXPECT_EQ(slide["maps"][0]["region"], json::parse("[0, 0, 1000, 700]"));
  EXPECT_EQ(slide["maps"][0]["classes"],
            json::parse(R"([{"label": 2, "name": "label 2", "colour": "#e69f00"}])"));
  EXPECT_EQ(slide["annotations"][0]["classes"][0]["name"], "tumour");
  EXPECT_EQ(slide["problems"], json::array());
  const json seen = json::parse(TextOf(site.Get("slides/0/annotations/0/-10_-10_1000_700_1.json")));
  EXPECT_EQ(seen["areas"].size(), 1u);
  for (const char* file : {"", "index.html", "viewer.js", "viewer.css", "openseadragon.min.js"})
    EXPECT_EQ(site.Get(file).status, 200) << file;
}

TEST_F(SiteTest, GivesTilesTwiceTheSame) {
  Site site({{slide_, {*MatchResult(mask_, slide_)}}});
  for (const char* path : {"slides/0/tiles/0_0_0.jpg", "slides/0/tiles/0_1_1.jpg", "slides/0/tiles/1_0_0.jpg",
                           "slides/0/thumbnail.jpg", "slides/0/maps/0/2/0_0_0.png"}) {
    const Reply first = site.Get(path), second = site.Get(path);
    EXPECT_EQ(first.status, 200) << path;
    EXPECT_TRUE(first.keep);
    EXPECT_EQ(first.body, second.body);  // the cache's
    EXPECT_STREQ(first.type, second.type);
    EXPECT_EQ(TextOf(first).substr(1, 3), std::string(first.type) == "image/png" ? "PNG" : "\xd8\xff\xe0");
  }
}

TEST_F(SiteTest, HasNothingElse) {
  Site site({{slide_, {*MatchResult(mask_, slide_)}}});
  for (const char* path : {"slides/0/tiles/0_2_0.jpg",
                           "slides/0/tiles/0_0_2.jpg",
                           "slides/0/tiles/2_0_0.jpg",
                           "slides/0/tiles/0_-1_0.jpg",
                           "slides/0/tiles/0_0.jpg",
                           "slides/0/tiles/0_0_0_0.jpg",
                           "slides/0/tiles/0_0_0.png",
                           "slides/0/tiles/0_0_99999999999999999999.jpg",
                           "slides/0/maps/1/2/0_0_0.png",
                           "slides/0/maps/0/300/0_0_0.png",
                           "slides/0/annotations/0.json",
                           "slides/1.json",
                           "slides/-1.json",
                           "slides/0",
                           "slides/",
                           "slides",
                           "a.tif",
                           "../a.tif",
                           "slides/../a.tif",
                           "slides/0/../../a.tif",
                           "/etc/passwd",
                           "viewer.js/",
                           "page.mjs"}) {
    EXPECT_EQ(site.Get(path).status, 404) << path;
  }
}

TEST_F(SiteTest, SaysWhatCannotBeShown) {
  const std::string broken = folder_ / "b.tif", bad_mask = folder_ / "a_mask_2.png";
  test::WriteFile(broken, "no slide");
  testing::WritePng(bad_mask, {10, 10, 1, std::vector<uint8_t>(100, 2)});
  Site site({{slide_, {*MatchResult(bad_mask, slide_), *MatchResult(mask_, slide_)}}, {broken}});
  const std::string problem =
      bad_mask + ": the map is 10x10, expected the proportions of the slide, 1000x700";
  ASSERT_EQ(site.Open(0).size(), 1u);
  EXPECT_EQ(site.Open(0)[0].error.what(), problem);
  EXPECT_FALSE(site.Open(0)[0].required);
  const json slide = json::parse(TextOf(site.Get("slides/0.json")));
  EXPECT_EQ(slide["problems"], json({problem}));
  EXPECT_EQ(slide["maps"].size(), 1u);
  EXPECT_THROW(site.Open(1), Error);
  for (const char* path : {"slides/1.json", "slides/1/tiles/0_0_0.jpg", "slides/1/thumbnail.jpg"}) {
    const Reply reply = site.Get(path);
    EXPECT_EQ(reply.status, 500);
    EXPECT_FALSE(reply.keep);
    EXPECT_THAT(TextOf(reply), HasSubstr("b.tif: expected a TIFF"));
  }
}

TEST_F(SiteTest, SaysWhichOfItHadToBeShown) {
  const std::string broken = folder_ / "a_mask.tif";
  test::WriteFile(broken, "no picture");
  Site site({{slide_, {*MatchResult(mask_, slide_), {.path = broken, .required = true}}}});
  ASSERT_EQ(site.Open(0).size(), 1u);
  EXPECT_TRUE(site.Open(0)[0].required);
  EXPECT_EQ(site.Open(0)[0].error.code(), ErrorCode::kInput);
}

TEST_F(SiteTest, KnowsThePixelSizeThatIsStated) {
  Site site({{slide_, {}, {.mpp = 0.4}}});
  const json slide = json::parse(TextOf(site.Get("slides/0.json")));
  EXPECT_EQ(slide["mppX"], 0.4);
  EXPECT_EQ(slide["mppY"], 0.4);
}

TEST_F(SiteTest, ShowsAMaskThatIsAnArray) {
  const std::string array = folder_ / "a_mask.npy";
  testing::WriteNpy(array, "|u1", "7, 10", std::string(35, '\1') + std::string(35, '\3'));
  Site site({{slide_, {*MatchResult(array, slide_)}}});
  EXPECT_TRUE(site.Open(0).empty());
  const json slide = json::parse(TextOf(site.Get("slides/0.json")));
  EXPECT_EQ(slide["maps"][0]["classes"].size(), 2u);
  EXPECT_EQ(slide["maps"][0]["classes"][1]["name"], "label 3");
  EXPECT_EQ(site.Get("slides/0/maps/0/3/0_0_0.png").status, 200);
}

}  // namespace
}  // namespace swath::viewer
