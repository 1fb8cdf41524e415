#include "train/region_sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <utility>

#include "swath/error.h"
#include "tests/support/whole_file.h"
#include "tests/train/slides.h"

namespace swath {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class RegionSamplerTest : public testing::Test {
 protected:
  /// One slide, with the label 1 in its upper left corner and 255 everywhere else.
  RegionSamplerTest() {
    test::WriteSlide(folder_, "a", 30, 20, 1);
    test::WritePng(folder_.File("corner.png"), 30, 20, 1,
                   [](int64_t x, int64_t y, int64_t) { return x < 3 && y < 2 ? 1 : 255; });
    test::WriteFile(folder_.File("slides.csv"),
                    "slide,mask,split,region,mask_covers\na.png,a_mask.png,train,,\n"
                    "a.png,a_mask.png,train,\"5,4,12,10\",slide\na.png,corner.png,train,,\n");
    dataset_ = OpenDataset(folder_.File("slides.csv"));
    sampling_.size = {8, 6};
    sampling_.seed = 1;
    sampling_.counts[0] = sampling_.counts[1] = true;
  }

  DatasetEntry Draw(size_t entry, int64_t visit) const {
    return DrawRegion(dataset_, dataset_.entries[entry], sampling_, visit);
  }

  TemporaryFolder folder_;
  Dataset dataset_;
  RegionSampling sampling_;
};

TEST_F(RegionSamplerTest, EveryPositionInsideTheEntrysRegionIsDrawn) {
  std::set<std::pair<int64_t, int64_t>> places;
  for (int64_t visit = 0; visit < 400; ++visit) {
    const DatasetEntry part = Draw(1, visit);
    ASSERT_EQ(part.width(), 8);
    ASSERT_EQ(part.height(), 6);
    ASSERT_TRUE(part.region->x >= 5 && part.region->x + 8 <= 17 && part.region->y >= 4 &&
                part.region->y + 6 <= 14);
    places.emplace(part.region->x, part.region->y);
    const DatasetEntry again = Draw(1, visit);
    EXPECT_EQ(std::pair(again.region->x, again.region->y), std::pair(part.region->x, part.region->y));
  }
  EXPECT_EQ(places.size(), 25u);
}

TEST_F(RegionSamplerTest, OfWhatIsSmallerTheWholeWidthOrHeightIsUsed) {
  sampling_.size = {100, 6};
  const DatasetEntry part = Draw(0, 3);
  EXPECT_EQ(part.region->x, 0);
  EXPECT_EQ(part.width(), 30);
  EXPECT_EQ(part.height(), 6);
}

/// Nearly always found by a pixel, and by chance else.
TEST_F(RegionSamplerTest, RegionsWithoutALabelThatCountsAreDrawnAgain) {
  std::set<std::pair<int64_t, int64_t>> places;
  for (int64_t visit = 0; visit < 100; ++visit) {
    const DatasetEntry part = Draw(2, visit);
    EXPECT_LT(part.region->x, 3);
    EXPECT_LT(part.region->y, 2);
    places.emplace(part.region->x, part.region->y);
  }
  EXPECT_EQ(places.size(), 6u);
  sampling_.counts[1] = false;
  EXPECT_THAT([&] { Draw(2, 0); }, ThrowsMessage<Error>("no pixel has a label that counts"));
}

}  // namespace
}  // namespace swath
