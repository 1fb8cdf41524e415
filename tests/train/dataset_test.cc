#include "swath/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "swath/error.h"
#include "tests/support/whole_file.h"
#include "tests/train/slides.h"

namespace swath {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class DatasetTest : public testing::Test {
 protected:
  DatasetTest() {
    test::WriteSlide(folder_, "a", 30, 20, 1);
    test::WriteSlide(folder_, "b", 24, 33, 2);
    test::WritePng(folder_.File("half.png"), 15, 10, 1,
                   [](int64_t x, int64_t, int64_t) { return x % 2 ? 255 : 0; });
    test::WriteFile(folder_.File("noise.png"), "not a picture");
  }

  Dataset Open(const std::string& csv, const DatasetOptions& options = {}) {
    test::WriteFile(folder_.File("slides.csv"), csv);
    return OpenDataset(folder_.File("slides.csv"), options);
  }

  /// The message without the folder.
  std::string Message(const std::string& csv, const DatasetOptions& options = {}) {
    try {
      Open(csv, options);
    } catch (const Error& e) {
      std::string message = e.what();
      const std::string path = folder_.File("");
      for (size_t at = message.find(path); at != std::string::npos; at = message.find(path))
        message.erase(at, path.size());
      return message;
    }
    return "no error";
  }

  TemporaryFolder folder_;
};

TEST_F(DatasetTest, ReadsQuotesByteOrderMarkBlankLinesAndAnyOrderOfColumns) {
  const Dataset dataset = Open(
      "\xef\xbb\xbfsplit,slide,\"mask\",region\r\n\r\ntrain,a.png,\"a_mask.png\",\r\n"
      "val , b.png ,half.png,\"2, 3,18,12\"\r\n\"test\",a.png,half.png,");
  ASSERT_EQ(dataset.entries.size(), 3u);
  EXPECT_EQ(dataset.entries[0].line, 3);
  EXPECT_EQ(dataset.entries[0].width(), 30);
  EXPECT_EQ(dataset.entries[0].height(), 20);
  EXPECT_EQ(dataset.entries[1].name, "b.png");
  EXPECT_EQ(dataset.entries[1].split, Split::kValidation);
  ASSERT_TRUE(dataset.entries[1].region.has_value());
  EXPECT_EQ(dataset.entries[1].region->y, 3);
  EXPECT_EQ(dataset.entries[1].width(), 18);
  EXPECT_EQ(dataset.entries[2].split, Split::kTest);
  EXPECT_THAT(dataset.Of(Split::kTest), ElementsAre(&dataset.entries[2]));
}

TEST_F(DatasetTest, AFieldMayHoldQuotesAndLineBreaks) {
  EXPECT_EQ(Message("slide,mask,split\n\"a \"\"1\"\",\n2.png\",a_mask.png,dog\n"),
            "slides.csv:2: split: expected train, val or test, found 'dog'");
  EXPECT_EQ(Message("slide,mask,split\n\"x\ny\",a_mask.png,train,\na.png,a_mask.png,train\n"),
            "slides.csv:2: expected 3 fields, found 4");
}

TEST_F(DatasetTest, NamesFileLineAndColumnOfWhatIsWrong) {
  const std::string header = "slide,mask,split,region\na.png,a_mask.png,train,\n";
  EXPECT_EQ(Message(""), "slides.csv: expected a header slide,mask,split, found an empty file");
  EXPECT_EQ(Message("slide,mask,split\n"), "slides.csv: expected slides below the header, found none");
  EXPECT_EQ(
      Message("slide,label,split\n"),
      "slides.csv:1: header: expected slide,mask,split and perhaps region,mask_covers,target,mpp,tissue, "
      "found 'label'");
  EXPECT_EQ(Message("slide,mask\n"),
            "slides.csv:1: header: expected slide,mask,split, found no column 'split'");
  EXPECT_EQ(Message("slide,mask,split,mask\n"), "slides.csv:1: header: column 'mask' twice");
  EXPECT_EQ(Message(header + "a.png,a_mask.png\n"), "slides.csv:3: expected 4 fields, found 2");
  EXPECT_EQ(Message(header + ",a_mask.png,train,\n"), "slides.csv:3: slide: expected a path, found nothing");
  EXPECT_EQ(Message(header + "a.png,\"a_mask.png,train,\n"),
            "slides.csv:3: a quote is opened and never closed");
  EXPECT_EQ(Message(header + "a.png,\"a\"b,train,\n"),
            "slides.csv:3: expected a comma after the closing quote, found 'b'");
  EXPECT_THAT(Message(header + "c.png,a_mask.png,train,\n"), HasSubstr("slides.csv:3: slide: c.png"));
  EXPECT_THAT(Message(header + "noise.png,a_mask.png,train,\n"), HasSubstr("slides.csv:3: slide: noise.png"));
  EXPECT_THAT(Message(header + "a.png,noise.png,train,\n"), HasSubstr("slides.csv:3: mask: noise.png"));
  EXPECT_THAT(Message(header + "a.png,b_mask.png,train,\n"),
              HasSubstr("slides.csv:3: mask: b_mask.png: the mask is 24x33"));
  EXPECT_EQ(Message(header + "a.png,a_mask.png,train,\"1,2,3\"\n"),
            "slides.csv:3: region: a region is \"x,y,width,height\" in level-0 pixels, found '1,2,3'");
  EXPECT_EQ(Message(header + "a.png,a_mask.png,train,\"1,2,3,0\"\n"),
            "slides.csv:3: region: a region is \"x,y,width,height\" in level-0 pixels, found '1,2,3,0'");
  EXPECT_EQ(Message(header + "a.png,a_mask.png,train,\"20,0,11,5\"\n"),
            "slides.csv:3: region: a.png: the region 11x5 at (20, 0) is not inside the slide, 30x20");
  EXPECT_THAT(Message(header, {.level = 3}), HasSubstr("slides.csv:2: slide: a.png"));
  EXPECT_THAT(Message(header, {.mpp = 0.5}), HasSubstr("slides.csv:2: slide: a.png"));
}

TEST_F(DatasetTest, AMaskThatFitsSlideAndRegionNeedsToBeSpokenFor) {
  const std::string line = "a.png,a_mask.png,train,\"0,0,15,10\"";
  EXPECT_THAT(Message("slide,mask,split,region\n" + line + "\n"),
              HasSubstr("slides.csv:2: mask: a_mask.png: the mask is 30x20 and fits the slide, 30x20, as "
                        "well as its region, "
                        "15x10: say which in a column mask_covers, slide or region"));
  const std::string header = "slide,mask,split,region,mask_covers\n";
  EXPECT_EQ(Open(header + line + ",slide\n").entries[0].place.mask_covers, MaskCovers::kSlide);
  EXPECT_EQ(Open(header + line + ",region\n").entries[0].place.mask_covers, MaskCovers::kRegion);
  EXPECT_EQ(Message(header + line + ",all\n"),
            "slides.csv:2: mask_covers: expected slide, region or nothing, found 'all'");
}

TEST_F(DatasetTest, AColumnGivesThePixelSizeOfASlide) {
  const Dataset dataset =
      Open("slide,mask,split,mpp\na.png,a_mask.png,train,0.25\nb.png,b_mask.png,val,0.5\n", {.mpp = 0.5});
  EXPECT_EQ(dataset.entries[0].width(), 15);
  EXPECT_EQ(dataset.entries[1].width(), 24);
  EXPECT_EQ(OpenImage(dataset, dataset.entries[0])->width(), 15);
  EXPECT_THAT(Message("slide,mask,split,mpp\na.png,a_mask.png,train,0\n"),
              HasSubstr("slides.csv:2: mpp: expected micrometres a pixel, above 0, or nothing, found '0'"));
}

TEST_F(DatasetTest, TheColumnOfAPixelSizeGoesBeforeTheOption) {
  const Dataset dataset = Open("slide,mask,split,mpp\na.png,a_mask.png,train,0.25\nb.png,b_mask.png,train,\n",
                               {.slide = {.mpp = 0.5}});
  EXPECT_EQ(dataset.entries[0].mpp, 0.25);
  EXPECT_EQ(dataset.entries[1].mpp, 0.5);
}

TEST_F(DatasetTest, ASplitHasAPixelSizeWhereItsSlidesAgree) {
  const auto pixel_size = [&](const std::string& a, const std::string& b,
                              const DatasetOptions& options = {}) {
    return Open("slide,mask,split,mpp\na.png,a_mask.png,train," + a + "\nb.png,b_mask.png,train," + b +
                    "\nb.png,b_mask.png,val,0.1\n",
                options)
        .PixelSize(Split::kTrain);
  };
  EXPECT_EQ(pixel_size("0.3", "0.3"), 0.3);
  EXPECT_EQ(pixel_size("0.25", "0.254"), 0.252);
  EXPECT_FALSE(pixel_size("0.25", "0.256")) << "more than 1 % from the mean";
  EXPECT_FALSE(pixel_size("0.25", "")) << "not known of all";
  EXPECT_EQ(pixel_size("0.25", "0.5", {.mpp = 0.5}), 0.5);
  EXPECT_EQ(pixel_size("0.25", "0.5", {.mpp = 0.502}), 0.502) << "what was wanted, not the level that does";
}

TEST_F(DatasetTest, WhatASplitAgreesOnReadsTheSamePixels) {
  for (const char* b : {"0.2474", "0.2549", "0.2550"}) {
    const std::string csv =
        std::string("slide,mask,split,mpp\na.png,a_mask.png,train,0.25\nb.png,b_mask.png,train,") + b + "\n";
    const auto mpp = Open(csv).PixelSize(Split::kTrain);
    ASSERT_TRUE(mpp) << b;
    const Dataset dataset = Open(csv, {.model_mpp = mpp});
    EXPECT_EQ(dataset.entries[0].width(), 30) << b;
    EXPECT_EQ(dataset.entries[0].mpp, 0.25) << b;
    EXPECT_EQ(dataset.entries[1].width(), 24) << b;
  }
}

TEST_F(DatasetTest, WithoutMasksASlideIsEnough) {
  const DatasetOptions options{.labels = Labels::kNone};
  test::WriteFile(folder_.File("slides.csv"), "slide,mask\na.png,none.png\n");
  EXPECT_EQ(OpenDataset(folder_.File("slides.csv"), options).entries[0].width(), 30);
  EXPECT_EQ(Message("split\ntrain\n", options),
            "slides.csv:1: header: expected slide, found no column 'slide'");
}

TEST_F(DatasetTest, MasksToBeShownMayBeAbsentAndNeedNoRules) {
  const DatasetOptions options{.labels = Labels::kFiles};
  test::WriteFile(folder_.File("drawn.geojson"),
                  R"({"type": "Feature", "properties": {"classification": {"name": "anything"}}, "geometry":)"
                  R"({"type": "Polygon", "coordinates": [[[0, 0], [9, 0], [9, 9], [0, 0]]]}})");
  const Dataset dataset = Open("slide,mask\na.png,half.png\nb.png,drawn.geojson\na.png,\n", options);
  EXPECT_EQ(dataset.entries[0].mask, folder_.File("half.png"));
  EXPECT_EQ(dataset.entries[1].mask, folder_.File("drawn.geojson"));
  EXPECT_EQ(dataset.entries[1].annotations, nullptr);
  EXPECT_EQ(dataset.entries[2].mask, "");
  EXPECT_EQ(Open("slide\na.png\n", options).entries[0].mask, "");
  EXPECT_THAT(Message("slide,mask\nb.png,half.png\n", options), HasSubstr("slides.csv:2: mask: half.png"));
}

TEST_F(DatasetTest, AFileThatIsNotThereOrAFolderIsAnError) {
  EXPECT_THROW(OpenDataset(folder_.File("none.csv")), Error);
  EXPECT_THROW(OpenDataset(folder_.File("")), Error);
}

TEST_F(DatasetTest, SamplesAreExtendedAndTheExtensionIsIgnored) {
  const Dataset dataset = Open("slide,mask,split\na.png,half.png,train\n");
  Graph graph = test::SmallNetwork();
  graph.metadata["swath.multiple"] = "16";
  graph.metadata["swath.extension"] = "7";
  const SlideSample sample = OpenSample(dataset, dataset.entries[0], graph, 200);
  EXPECT_EQ(sample.width, 30);
  EXPECT_EQ(sample.height, 20);
  ASSERT_EQ(sample.image->width(), 32);
  ASSERT_EQ(sample.labels->height(), 32);
  std::vector<uint8_t> rgb(32 * 3), labels(32);
  sample.image->Read({19, 20}, rgb.data());
  sample.labels->Read({19, 20}, labels.data());
  EXPECT_NE(rgb[29 * 3], 7);
  EXPECT_EQ(rgb[30 * 3], 7);
  EXPECT_EQ(labels[28], 0);    // the mask has half the size: its column 14
  EXPECT_EQ(labels[27], 255);  // its column 13
  EXPECT_EQ(labels[30], 200);
  sample.labels->Read({20, 21}, labels.data());
  EXPECT_EQ(labels[0], 200);
}

std::vector<uint8_t> ReadAll(RowSource& source) {
  std::vector<uint8_t> pixels(static_cast<size_t>(source.width() * source.height() * source.channels()));
  source.Read({0, source.height()}, pixels.data());
  return pixels;
}

/// Of a source that was read whole.
std::vector<uint8_t> Crop(const std::vector<uint8_t>& pixels, int64_t width, int64_t channels,
                          const Region& part) {
  std::vector<uint8_t> result;
  for (int64_t y = part.y; y < part.y + part.height; ++y) {
    const auto row = pixels.begin() + (y * width + part.x) * channels;
    result.insert(result.end(), row, row + part.width * channels);
  }
  return result;
}

/// Masks of the slide and of the region, of its size and of half of it.
TEST_F(DatasetTest, APartIsTheSamePixelsAndLabels) {
  test::WritePng(folder_.File("part.png"), 18, 12, 1,
                 [](int64_t x, int64_t y, int64_t) { return static_cast<uint8_t>((x * y) % 5); });
  test::WritePng(folder_.File("part_half.png"), 9, 6, 1,
                 [](int64_t x, int64_t y, int64_t) { return static_cast<uint8_t>((x + 2 * y) % 3); });
  const Dataset dataset = Open(
      "slide,mask,split,region,mask_covers\na.png,a_mask.png,train,,\na.png,half.png,train,,\n"
      "a.png,part.png,train,\"4,6,18,12\",region\na.png,part_half.png,train,\"4,6,18,12\",region\n"
      "a.png,a_mask.png,train,\"4,6,18,12\",slide\na.png,half.png,train,\"4,6,18,12\",slide\n");
  for (const DatasetEntry& entry : dataset.entries) {
    for (const Region& part : {Region{3, 5, 7, 4}, Region{0, 0, 18, 12}, Region{11, 2, 1, 9}}) {
      const DatasetEntry found = PartOf(dataset, entry, part);
      ASSERT_EQ(found.width(), part.width);
      ASSERT_EQ(found.height(), part.height);
      EXPECT_EQ(ReadAll(*OpenImage(dataset, found)),
                Crop(ReadAll(*OpenImage(dataset, entry)), entry.width(), 3, part));
      EXPECT_EQ(ReadAll(*OpenLabels(dataset, found, 255)),
                Crop(ReadAll(*OpenLabels(dataset, entry, 255)), entry.width(), 1, part))
          << entry.line;
    }
  }
}

/// Annotations in place of a mask, and a part of them.
TEST_F(DatasetTest, AMaskMayBeAnnotations) {
  test::WriteFile(folder_.File("a.geojson"),
                  R"({"type":"Feature","properties":{"classification":{"name":"Tumor"}},"geometry":
                  {"type":"Polygon","coordinates":[[[4,2],[25,2],[25,13],[4,13],[4,2]]]}})");
  const std::string csv =
      "slide,mask,split,region\na.png,a.geojson,train,\na.png,a.geojson,val,\"3,1,12,9\"\n";
  EXPECT_THAT(Message(csv), HasSubstr("slides.csv:2: mask: a.geojson: areas of classes that nothing is said "
                                      "about: 'Tumor' (1 area)"));
  DatasetOptions options;
  options.label_rules = {.classes = {{"Tumor", {LabelRule::Kind::kLabel, 3}}}, .elsewhere = 1};
  const Dataset dataset = Open(csv, options);
  std::vector<uint8_t> expected;
  for (int64_t y = 0; y < 20; ++y) {
    for (int64_t x = 0; x < 30; ++x) expected.push_back(x >= 4 && x < 25 && y >= 2 && y < 13 ? 3 : 1);
  }
  EXPECT_EQ(ReadAll(*OpenLabels(dataset, dataset.entries[0], 255)), expected);
  EXPECT_EQ(ReadAll(*OpenLabels(dataset, dataset.entries[1], 255)), Crop(expected, 30, 1, {3, 1, 12, 9}));
}

TEST_F(DatasetTest, LabelsFollowTheImage) {
  const auto grey = [](int64_t x, int64_t y) { return static_cast<uint8_t>(3 * x + 5 * y); };
  test::WritePng(folder_.File("a.png"), 30, 20, 3, [&](int64_t x, int64_t y, int64_t) { return grey(x, y); });
  test::WritePng(folder_.File("labels.png"), 15, 10, 1,
                 [](int64_t x, int64_t y, int64_t) { return static_cast<uint8_t>((x + 2 * y) % 3); });
  const Dataset dataset = Open("slide,mask,split\na.png,labels.png,train\n");
  const Graph graph = test::SmallNetwork();
  for (int bits = 0; bits < 8; ++bits) {
    const Orientation o{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0};
    const SlideSample sample = OpenSample(dataset, dataset.entries[0], graph, 200, {.orientation = o});
    ASSERT_EQ(sample.width, o.transpose ? 20 : 30);
    ASSERT_EQ(sample.height, o.transpose ? 30 : 20);
    std::vector<uint8_t> rgb(600 * 3), labels(600);
    sample.image->Read({0, sample.height}, rgb.data());
    sample.labels->Read({0, sample.height}, labels.data());
    for (int64_t i = 0; i < 600; ++i) {
      int64_t x = i % sample.width, y = i / sample.width;
      if (o.mirror_columns) x = sample.width - 1 - x;
      if (o.mirror_rows) y = sample.height - 1 - y;
      if (o.transpose) std::swap(x, y);
      ASSERT_EQ(rgb[static_cast<size_t>(3 * i)], grey(x, y));
      ASSERT_EQ(labels[static_cast<size_t>(i)], (x / 2 + 2 * (y / 2)) % 3);
    }
  }
}

}  // namespace
}  // namespace swath
