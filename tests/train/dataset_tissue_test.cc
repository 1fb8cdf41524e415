/// Tissue of a data set: what samples carry of it, and that leaving out the rest changes no gradient.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "swath/compare.h"
#include "swath/dataset.h"
#include "swath/error.h"
#include "tests/support/whole_file.h"
#include "tests/train/slides.h"

namespace swath {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kWidth = 211, kHeight = 156;

/// A slide of 4 um a pixel, so that a cell is two pixels, with two pieces of tissue far from each other.
class DatasetTissueTest : public ::testing::Test {
 protected:
  DatasetTissueTest() {
    SplitMix64 random(7);
    const auto in_piece = [](int64_t x, int64_t y) {
      return (x >= 12 && x < 50 && y >= 10 && y < 44) || (x >= 150 && x < 190 && y >= 100 && y < 140);
    };
    test::WritePng(folder_.File("a.png"), kWidth, kHeight, 3, [&](int64_t x, int64_t y, int64_t c) {
      const uint64_t texture = random.Next() % 90;
      return static_cast<uint8_t>(in_piece(x, y) ? (c == 1 ? 70 : 140) + texture : 238 + texture % 4);
    });
    test::WritePng(folder_.File("a_mask.png"), kWidth, kHeight, 1,
                   [&](int64_t x, int64_t y, int64_t) { return static_cast<uint8_t>((x / 7 + y / 5) % 2); });
    test::WritePng(folder_.File("a_tissue.png"), kWidth, kHeight, 1,
                   [&](int64_t x, int64_t y, int64_t) { return static_cast<uint8_t>(in_piece(x, y)); });
    test::WritePng(folder_.File("glass.png"), kWidth, kHeight, 1,
                   [](int64_t, int64_t, int64_t) { return uint8_t{0}; });
  }

  Dataset Open(const std::string& tissue, const DatasetOptions& options = {}) {
    test::WriteFile(folder_.File("slides.csv"),
                    "slide,mask,split,mpp,tissue\na.png,a_mask.png,train,4," + tissue + "\n");
    return OpenDataset(folder_.File("slides.csv"), options);
  }

  /// That only labels in the sample's parts count, and that the parts change no gradient.
  void ExpectPartsToChangeNothing(const Dataset& dataset, const DatasetEntry& entry,
                                  const Augmentation& augmentation) {
    const Graph graph = test::SmallNetwork();
    const SlideSample sample = OpenSample(dataset, entry, graph, 255, augmentation);
    ASSERT_FALSE(sample.labelled.empty());
    const int64_t width = sample.labels->width(), height = sample.labels->height();
    std::vector<uint8_t> labels(static_cast<size_t>(width * height));
    sample.labels->Read({0, height}, labels.data());
    int64_t counted = 0;
    for (int64_t i = 0; i < width * height; ++i) {
      const bool inside = std::any_of(sample.labelled.begin(), sample.labelled.end(), [&](const Part& p) {
        return p.rows.contains(i / width) && p.columns.contains(i % width);
      });
      ASSERT_TRUE(inside || labels[static_cast<size_t>(i)] == 255) << i % width << ", " << i / width;
      counted += labels[static_cast<size_t>(i)] != 255;
    }
    EXPECT_GT(counted, 0);
    EXPECT_LT(counted, width * height / 2);
    const auto loss = MakeLoss({});
    PlanOptions options{.threads = 1, .precision = Precision::kFloat64};
    const StepResult whole =
        MakeStreamingEngine(graph, loss.get(), width, height, options)->Step(sample.sample());
    options.wanted = sample.labelled;
    const auto engine = MakeStreamingEngine(graph, loss.get(), width, height, options);
    EXPECT_LT(engine->plan().input_pixels, width * height / 2);
    const StepResult parts = engine->Step(sample.sample());
    EXPECT_NEAR(parts.loss.loss, whole.loss.loss, 1e-13);
    EXPECT_EQ(parts.loss.valid_pixels, counted);
    for (size_t p = 0; p < whole.gradients.size(); ++p) {
      double largest = 0;
      for (const double g : whole.gradients[p]) largest = std::max(largest, std::abs(g));
      for (size_t i = 0; i < whole.gradients[p].size(); ++i)
        EXPECT_NEAR(parts.gradients[p][i], whole.gradients[p][i], 1e-12 * largest);
    }
  }

  TemporaryFolder folder_;
};

TEST_F(DatasetTissueTest, IsRestrictedHoweverTheSlideLies) {
  const Dataset dataset = Open("a_tissue.png");
  for (int i = 0; i < 8; ++i) {
    SCOPED_TRACE(i);
    ExpectPartsToChangeNothing(
        dataset, dataset.entries[0],
        {.orientation = {.transpose = i % 2 > 0, .mirror_columns = i / 2 % 2 > 0, .mirror_rows = i / 4 > 0}});
  }
}

TEST_F(DatasetTissueTest, IsThatOfARegionOrOfACoarserImage) {
  const Dataset whole = Open("a_tissue.png");
  const DatasetEntry part = PartOf(whole, whole.entries[0], {5, 3, 180, 130});
  ExpectPartsToChangeNothing(whole, part, {});
  const Dataset coarse = Open("a_tissue.png", {.mpp = 5.5});
  ExpectPartsToChangeNothing(coarse, coarse.entries[0], {});
}

TEST_F(DatasetTissueTest, IsFoundWhereTheFileDoesNotSayIt) {
  Dataset dataset = Open("");
  EXPECT_FALSE(dataset.entries[0].tissue);
  FindTissueOfSlides(&dataset, {Split::kValidation});
  EXPECT_FALSE(dataset.entries[0].tissue);
  int64_t told = 0;
  FindTissueOfSlides(&dataset, {Split::kTrain}, [&](const DatasetEntry& entry, int64_t done, int64_t total) {
    EXPECT_EQ(entry.name, "a.png");
    told = done;
    EXPECT_EQ(total, kHeight);
  });
  EXPECT_EQ(told, kHeight);
  ASSERT_TRUE(dataset.entries[0].tissue);
  ExpectPartsToChangeNothing(dataset, dataset.entries[0], {});
  // What is given is not looked for.
  Dataset given = Open("a_tissue.png");
  const auto before = given.entries[0].tissue;
  FindTissueOfSlides(&given, {Split::kTrain});
  EXPECT_EQ(given.entries[0].tissue, before);
}

TEST_F(DatasetTissueTest, NoneIsAnError) {
  const auto message = [](const auto& f) -> std::string {
    try {
      f();
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  };
  EXPECT_THAT(message([&] { Open("glass.png"); }), HasSubstr("slides.csv:2: tissue: "));
  EXPECT_THAT(message([&] { Open("glass.png"); }), HasSubstr("glass.png: expected tissue, found none"));
  EXPECT_THAT(message([&] { Open("missing.geojson"); }), HasSubstr("missing.geojson"));
  test::WritePng(folder_.File("a.png"), kWidth, kHeight, 3,
                 [](int64_t, int64_t, int64_t) { return uint8_t{240}; });
  EXPECT_THAT(message([&] {
                Dataset dataset = Open("");
                FindTissueOfSlides(&dataset, {Split::kTrain});
              }),
              HasSubstr("slides.csv:2: a.png: expected tissue, found none: draw it"));
}

}  // namespace
}  // namespace swath
