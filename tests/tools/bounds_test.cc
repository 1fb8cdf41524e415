/// A slide whose scan is a part of it: GeoJSON counts from the scan's corner, pixels and masks from the
/// slide's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "swath/annotation.h"
#include "swath/error.h"
#include "swath/graph.h"
#include "swath/model.h"
#include "swath/slide.h"
#include "tests/slide/scn_slide.h"
#include "tests/tools/run_program.h"
#include "tests/train/slides.h"

namespace swath {
namespace {

using testing::Image;

/// 2 |A and B| / (|A| + |B|) of the labels that are not 0.
double Dice(const Image& a, const Image& b) {
  int64_t both = 0, sum = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) {
    both += a.pixels[i] != 0 && b.pixels[i] != 0;
    sum += int64_t{a.pixels[i] != 0} + int64_t{b.pixels[i] != 0};
  }
  return static_cast<double>(2 * both) / static_cast<double>(sum);
}

/// Tissue of `swath synth`, away from the corner of a slide.
class BoundsTest : public ::testing::Test {
 protected:
  static constexpr int64_t kWidth = 900, kHeight = 700;
  static constexpr Region kScan{180, 210, 600, 400};

  BoundsTest() {
    Run({"synth", folder_.File("synth"), "--slides", "1", "--size", "600x400", "--seed", "3"});
    testing::WriteScn(slide_, testing::ReadAll(*Slide::Open(scan_)->OpenRows()),
                      {.width = kWidth, .height = kHeight, .x = kScan.x, .y = kScan.y});
  }

  void SetUp() override {
    std::string format;
    try {
      format = Slide::Open(slide_)->info().format;
    } catch (const Error& e) {
      format = e.what();
    }
    if (format != "leica") GTEST_SKIP() << "this OpenSlide does not take the SCN slide: " << format;
  }

  static std::string Run(const std::vector<std::string>& arguments) {
    const test::Outcome outcome = test::RunProgram(arguments);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return outcome.out;
  }

  /// Labels of the scan, in the whole slide.
  static Image Placed(const Image& scan) {
    Image whole{kWidth, kHeight, 1};
    whole.pixels.resize(static_cast<size_t>(kWidth * kHeight));
    for (int64_t y = 0; y < scan.height; ++y) {
      for (int64_t x = 0; x < scan.width; ++x) whole.at(kScan.y + y, kScan.x + x, 0) = scan.at(y, x, 0);
    }
    return whole;
  }
  static Image Labels(const std::string& path, int64_t width, int64_t height) {
    return testing::ReadAll(*OpenMask(path, width, height));
  }

  TemporaryFolder folder_;
  std::string slide_ = folder_.File("slide.scn");
  std::string scan_ = folder_.File("synth/slide_000.tif");
  std::string mask_ = folder_.File("synth/slide_000_mask.tif");  ///< of the scan
};

TEST_F(BoundsTest, AreTold) {
  EXPECT_THAT(Run({"info", slide_}),
              ::testing::AllOf(::testing::HasSubstr("format      leica, decoded by openslide"),
                               ::testing::HasSubstr("size        900 x 700 px"),
                               ::testing::HasSubstr("bounds      180,210,600,400 (x, y, width, height)")));
}

TEST_F(BoundsTest, AnnotationsThatCountFromThemLandOnTheTissue) {
  // Outlines of the scan alone count from its corner, as in QuPath.
  const std::string drawn = folder_.File("drawn.geojson");
  Run({"annotate", "convert", mask_, "--slide", scan_, "--classes", "background,tissue", "-o", drawn});
  Run({"annotate", "convert", drawn, "--slide", slide_, "-o", folder_.File("labels.tif")});
  const Image labels = Labels(folder_.File("labels.tif"), kWidth, kHeight);
  EXPECT_GT(Dice(labels, Placed(Labels(mask_, kScan.width, kScan.height))), 0.95);

  // The pixels agree that it is there: inside the scan tissue is darker than glass, outside there is nothing.
  const Image pixels = testing::ReadAll(*Slide::Open(slide_)->OpenRows());
  int64_t sums[2] = {}, counts[2] = {};
  for (int64_t y = kScan.y; y < kScan.y + kScan.height; ++y) {
    for (int64_t x = kScan.x; x < kScan.x + kScan.width; ++x) {
      const int label = labels.at(y, x, 0);
      sums[label] += pixels.at(y, x, 1), ++counts[label];
    }
  }
  EXPECT_GT(sums[0] / counts[0], sums[1] / counts[1] + 50);
}

/// A threshold as a network: dark pixels are tissue.
Graph DarkPixels(double threshold) {
  Graph graph;
  graph.name = "dark";
  graph.input = graph.AddTensor("image");
  const int weight =
      graph.AddParameter({.name = "weight", .dims = {1, 3, 1, 1}, .values = {-1.0f, -1.0f, -1.0f}});
  const int bias =
      graph.AddParameter({.name = "bias", .dims = {1}, .values = {static_cast<float>(3 * threshold)}});
  graph.output = graph.AddNode("dark", MakeConv({}), {graph.input}, {weight, bias});
  return graph;
}

TEST_F(BoundsTest, OutlinesOfPredictionsCountFromThem) {
  constexpr int kThreshold = 170;
  ExportOnnx(DarkPixels(kThreshold + 0.1), folder_.File("dark.onnx"));
  Run({"predict", slide_, "--model", folder_.File("dark.onnx"), "--out", folder_.File("maps"), "--simplify",
       "0"});

  const std::string mask = folder_.File("maps/slide_mask.ome.tif");
  const SlideLevel size = MaskSize(mask);
  EXPECT_EQ(size.width, kWidth);
  EXPECT_EQ(size.height, kHeight);

  const Image scan = testing::ReadAll(*Slide::Open(slide_)->OpenRows({.region = kScan}));
  Image dark{kScan.width, kScan.height, 1};
  for (size_t i = 0; i < scan.pixels.size(); i += 3) {
    const int sum = scan.pixels[i] + scan.pixels[i + 1] + scan.pixels[i + 2];
    dark.pixels.push_back(sum <= 3 * kThreshold ? 1 : 0);
  }
  EXPECT_EQ(Labels(mask, kWidth, kHeight), Placed(dark));

  // Read as if the scan were the slide, as QuPath does.
  const Annotations outlines = ReadAnnotations(folder_.File("maps/slide.geojson"));
  LabelRules rules;
  for (const std::string& name : outlines.Classes()) rules.classes[name] = {.label = 1};
  EXPECT_EQ(testing::ReadAll(*OpenAnnotationLabels(outlines, rules,
                                                   {.width = kScan.width,
                                                    .height = kScan.height,
                                                    .slide_width = kScan.width,
                                                    .slide_height = kScan.height,
                                                    .region = {0, 0, kScan.width, kScan.height}})),
            dark);
}

}  // namespace
}  // namespace swath
