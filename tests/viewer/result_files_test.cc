#include "viewer/result_files.h"

#include <gtest/gtest.h>

namespace swath::viewer {
namespace {

using Kind = ResultFile::Kind;

Kind KindOf(const std::string& file, const std::string& slide) {
  const auto result = MatchResult(file, slide);
  return result ? result->kind : Kind::kUnknown;
}

TEST(ResultFiles, AreFoundByTheSlidesName) {
  EXPECT_EQ(KindOf("maps/s1_mask.ome.tif", "slides/s1.svs"), Kind::kLabels);
  EXPECT_EQ(KindOf("s1_mask.png", "s1.svs"), Kind::kLabels);
  EXPECT_EQ(KindOf("s1_mask.npy", "s1.svs"), Kind::kLabels);
  EXPECT_EQ(KindOf("s1_mask_reader2.tif", "s1.svs"), Kind::kLabels);
  EXPECT_EQ(KindOf("s1_attention.tif", "s1.svs"), Kind::kAttention);
  EXPECT_EQ(KindOf("s1.geojson", "s1.svs"), Kind::kAnnotations);
  EXPECT_EQ(KindOf("s1_cells.GEOJSON", "s1.svs"), Kind::kAnnotations);
  EXPECT_EQ(KindOf("s1.xml", "s1.svs"), Kind::kAnnotations);
  EXPECT_EQ(KindOf("s1.ndpi.ndpa", "s1.ndpi"), Kind::kAnnotations);
  EXPECT_EQ(KindOf("s1.ome_mask.ome.tif", "s1.ome.tif"), Kind::kLabels);
  EXPECT_EQ(KindOf("s1_mask.ome.tif", "s1.ome.tif"), Kind::kLabels);
  const auto map = MatchResult("s1_probability_in situ.ome.tif", "s1.svs");
  ASSERT_TRUE(map);
  EXPECT_EQ(map->kind, Kind::kProbability);
  EXPECT_EQ(map->class_name, "in situ");
  EXPECT_FALSE(map->region);
}

TEST(ResultFiles, OfARegionSayWhichOne) {
  const auto mask = MatchResult("s1_100_200_3000x4000_mask.ome.tif", "s1.svs");
  ASSERT_TRUE(mask && mask->region);
  EXPECT_EQ(mask->region->x, 100);
  EXPECT_EQ(mask->region->y, 200);
  EXPECT_EQ(mask->region->width, 3000);
  EXPECT_EQ(mask->region->height, 4000);
  EXPECT_EQ(KindOf("s1_100_200_3000x4000.geojson", "s1.svs"), Kind::kAnnotations);
  const ResultFile other = DescribeResult("/elsewhere/x_1_2_30x40_probability_tumour.tif");
  EXPECT_EQ(other.kind, Kind::kProbability);
  EXPECT_EQ(other.class_name, "tumour");
  ASSERT_TRUE(other.region);
  EXPECT_EQ(other.region->height, 40);
}

TEST(ResultFiles, OfOtherSlidesAreLeftOut) {
  for (const char* file :
       {"s11_mask.tif", "s1_a_mask.tif", "s1.svs", "s1.tif", "s1_overlay.png", "s1_attention.png",
        "s1_attention.npy", "s1.npy", "s10.geojson", "summary.csv", "s1_mask.csv", "mask.tif"})
    EXPECT_EQ(KindOf(file, "s1.svs"), Kind::kUnknown) << file;
  EXPECT_EQ(DescribeResult("anything.png").kind, Kind::kUnknown);
}

}  // namespace
}  // namespace swath::viewer
