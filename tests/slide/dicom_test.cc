/// DICOM whole slide images: written here by DCMTK, real ones, and DCMTK's and GDCM's tools as judges.
#include <dcmtk/config/osconfig.h>
// DCMTK's headers need its configuration first.
#include <dcmtk/dcmdata/dcpixel.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmdata/dctk.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <thread>

#include "swath/error.h"
#include "swath/slide.h"
#include "tests/slide/images.h"
#include "tests/slide/jp2k_image.h"
#include "tests/support/whole_file.h"

namespace swath {
namespace {

using namespace testing;
using ::testing::HasSubstr;

constexpr int64_t kTile = 16;

/// One tile of an image, white outside it.
Image Tile(const Image& image, int64_t left, int64_t top) {
  Image tile{kTile, kTile, image.channels,
             std::vector<uint8_t>(static_cast<size_t>(kTile * kTile * image.channels), 255)};
  for (int64_t y = 0; y < std::min(kTile, image.height - top); ++y) {
    for (int64_t x = 0; x < std::min(kTile, image.width - left); ++x) {
      for (int64_t c = 0; c < image.channels; ++c) tile.at(y, x, c) = image.at(top + y, left + x, c);
    }
  }
  return tile;
}

/// How to store it.
struct DicomSpec {
  bool jpeg = false;
  std::optional<Jp2kSpec> jp2k = {};
  bool planar = false;
  bool sparse = false;
  int missing = -1;            ///< of a sparse image: the tile without a frame
  bool two_fragments = false;  ///< a frame
  bool offset_table = true;
  double mpp = 0.25;
  const char* kind = "DERIVED\\PRIMARY\\VOLUME\\NONE";
  const char* instance = "1.2.3.4";
  /// Changes a compressed frame.
  std::function<void(size_t frame, std::string* bytes)> change_frame = [](size_t, std::string*) {};
  /// Changes attributes before the file is written.
  std::function<void(DcmDataset&)> change = [](DcmDataset&) {};
};

std::string JpegBytes(const Image& image) {
  const TempFolder folder;
  WriteJpeg(folder / "jpeg", image);
  return test::ReadFile(folder / "jpeg");
}

E_TransferSyntax CodingOf(const DicomSpec& spec) {
  if (spec.jp2k) return EXS_JPEG2000LosslessOnly;
  return spec.jpeg ? EXS_JPEGProcess1 : EXS_LittleEndianExplicit;
}

void PutPosition(DcmDataset& data, unsigned long frame, int64_t x, int64_t y) {
  DcmItem* group = nullptr;
  DcmItem* plane = nullptr;
  data.findOrCreateSequenceItem(DCM_PerFrameFunctionalGroupsSequence, group, static_cast<long>(frame));
  group->findOrCreateSequenceItem(DCM_PlanePositionSlideSequence, plane);
  plane->putAndInsertSint32(DCM_ColumnPositionInTotalImagePixelMatrix, static_cast<Sint32>(x + 1));
  plane->putAndInsertSint32(DCM_RowPositionInTotalImagePixelMatrix, static_cast<Sint32>(y + 1));
}

void PutAttributes(DcmDataset& data, const Image& image, const DicomSpec& spec) {
  data.putAndInsertString(DCM_SOPClassUID, UID_VLWholeSlideMicroscopyImageStorage);
  data.putAndInsertString(DCM_SOPInstanceUID, spec.instance);
  data.putAndInsertString(DCM_SeriesInstanceUID, "1.2.3");
  data.putAndInsertString(DCM_ImageType, spec.kind);
  data.putAndInsertString(DCM_Manufacturer, "Maker");
  data.putAndInsertString(DCM_DimensionOrganizationType, spec.sparse ? "TILED_SPARSE" : "TILED_FULL");
  data.putAndInsertUint16(DCM_SamplesPerPixel, static_cast<Uint16>(image.channels));
  const char* colours = spec.jpeg ? "YBR_FULL_422" : spec.jp2k ? "YBR_RCT" : "RGB";
  data.putAndInsertString(DCM_PhotometricInterpretation, image.channels == 1 ? "MONOCHROME2" : colours);
  data.putAndInsertUint16(DCM_PlanarConfiguration, spec.planar);
  for (const auto& [key, value] : {std::pair(DCM_Rows, 16),
                                   {DCM_Columns, 16},
                                   {DCM_BitsAllocated, 8},
                                   {DCM_BitsStored, 8},
                                   {DCM_HighBit, 7},
                                   {DCM_PixelRepresentation, 0}}) {
    data.putAndInsertUint16(key, static_cast<Uint16>(value));
  }
  data.putAndInsertUint32(DCM_TotalPixelMatrixColumns, static_cast<Uint32>(image.width));
  data.putAndInsertUint32(DCM_TotalPixelMatrixRows, static_cast<Uint32>(image.height));
  data.putAndInsertFloat32(DCM_ImagedVolumeWidth, static_cast<float>(image.width * spec.mpp / 1000));
  data.putAndInsertFloat32(DCM_ImagedVolumeHeight, static_cast<float>(image.height * spec.mpp / 1000));
}

void PutPixels(DcmDataset& data, const std::vector<Image>& tiles, const DicomSpec& spec) {
  if (!spec.jpeg && !spec.jp2k) {
    std::vector<uint8_t> bytes;
    for (const Image& tile : tiles) {
      const auto channels = static_cast<size_t>(tile.channels);
      for (size_t i = 0; i < tile.pixels.size(); ++i) {
        const size_t count = tile.pixels.size() / channels;
        bytes.push_back(tile.pixels[spec.planar ? i % count * channels + i / count : i]);
      }
    }
    data.putAndInsertUint8Array(DCM_PixelData, bytes.data(), bytes.size());
    return;
  }
  auto* sequence = new DcmPixelSequence(DCM_PixelSequenceTag);
  auto* table = new DcmPixelItem(DCM_PixelItemTag);
  sequence->insert(table);
  DcmOffsetList offsets;
  for (const Image& tile : tiles) {
    std::string bytes = spec.jp2k ? Jp2kBytes(tile, *spec.jp2k) : JpegBytes(tile);
    spec.change_frame(offsets.size(), &bytes);
    bytes.resize((bytes.size() + 3) / 4 * 4);  // fragments are even
    const size_t part = spec.two_fragments ? bytes.size() / 2 : bytes.size();
    Uint32 stored = 0;
    for (size_t at = 0; at < bytes.size(); at += part, stored += static_cast<Uint32>(part) + 8) {
      auto* fragment = new DcmPixelItem(DCM_PixelItemTag);
      fragment->putUint8Array(reinterpret_cast<const Uint8*>(bytes.data() + at), part);
      sequence->insert(fragment);
    }
    offsets.push_back(stored);
  }
  if (spec.offset_table) table->createOffsetTable(offsets);
  auto* pixels = new DcmPixelData(DCM_PixelData);
  pixels->putOriginalRepresentation(CodingOf(spec), nullptr, sequence);
  data.insert(pixels, OFTrue);
}

void WriteDicom(const std::string& path, const Image& image, const DicomSpec& spec = {}) {
  DcmFileFormat file;
  DcmDataset& data = *file.getDataset();
  PutAttributes(data, image, spec);
  std::vector<Image> tiles;
  int tile = 0;
  for (int64_t y = 0; y < image.height; y += kTile) {
    for (int64_t x = 0; x < image.width; x += kTile, ++tile) {
      if (tile == spec.missing) continue;
      tiles.push_back(Tile(image, x, y));
      if (spec.sparse) PutPosition(data, tiles.size() - 1, x, y);
    }
  }
  data.putAndInsertString(DCM_NumberOfFrames, std::to_string(tiles.size()).c_str());
  PutPixels(data, tiles, spec);
  spec.change(data);
  const OFCondition saved = file.saveFile(OFFilename(path.c_str()), CodingOf(spec));
  ASSERT_TRUE(saved.good()) << saved.text();
}

/// What is wrong with it; "" if every pixel of every level decodes.
std::string Complaint(const std::string& path) {
  try {
    const auto slide = Slide::Open(path);
    for (int level = 0; level < static_cast<int>(slide->info().levels.size()); ++level) {
      ReadAll(*slide->OpenRows({.level = level}));
      if (const auto existence = slide->OpenExistence({.level = level})) ReadAll(*existence);
    }
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr(path));
    EXPECT_THAT(e.what(), ::testing::Not(HasSubstr("\n")));
    return e.what();
  }
  return {};
}

TEST(Dicom, NativeFramesAreReadAsTheyAre) {
  const TempFolder folder;
  const Image image = Noise(50, 37, 3, 1);
  for (const bool planar : {false, true}) {
    WriteDicom(folder / "image", image, {.planar = planar});
    const auto slide = Slide::Open(folder / "image");
    EXPECT_EQ(ReadAll(*slide->OpenRows()), image);
    EXPECT_EQ(slide->OpenExistence(), nullptr);
    EXPECT_EQ(slide->info().format, "dicom");
    EXPECT_EQ(slide->info().vendor, "Maker");
    EXPECT_NEAR(*slide->info().mpp_x, 0.25, 1e-6);
    EXPECT_EQ(ReadAll(*slide->OpenRows({.region = Region{13, 5, 20, 30}})), Crop(image, 13, 5, 20, 30));
  }
}

TEST(Dicom, GreyIsReadAsRgb) {
  const TempFolder folder;
  const Image grey = Noise(20, 20, 1, 1);
  WriteDicom(folder / "grey", grey);
  WriteDicom(folder / "inverted", grey, {.instance = "1.2.3.5", .change = [](DcmDataset& data) {
                                           data.putAndInsertString(DCM_SeriesInstanceUID, "1.2.9");
                                           data.putAndInsertString(DCM_PhotometricInterpretation,
                                                                   "MONOCHROME1");
                                         }});
  const Image read = ReadAll(*Slide::Open(folder / "grey")->OpenRows());
  const Image inverted = ReadAll(*Slide::Open(folder / "inverted")->OpenRows());
  EXPECT_TRUE(Slide::Open(folder / "grey")->info().grey);
  for (int64_t i = 0; i < 400; ++i) {
    for (int64_t c = 0; c < 3; ++c) {
      ASSERT_EQ(read.at(i / 20, i % 20, c), grey.at(i / 20, i % 20, 0));
      ASSERT_EQ(inverted.at(i / 20, i % 20, c), 255 - grey.at(i / 20, i % 20, 0));
    }
  }
}

TEST(Dicom, WhereASparseImageHasNoFrameNothingExists) {
  const TempFolder folder;
  const Image image = Noise(48, 32, 3, 1);
  WriteDicom(folder / "image", image, {.sparse = true, .missing = 4});  // columns 16-31, rows 16-31
  const auto slide = Slide::Open(folder / "image");
  const Image read = ReadAll(*slide->OpenRows());
  const Image exists = ReadAll(*slide->OpenExistence());
  for (int64_t y = 0; y < 32; ++y) {
    for (int64_t x = 0; x < 48; ++x) {
      const bool missing = y >= 16 && x >= 16 && x < 32;
      ASSERT_EQ(exists.at(y, x, 0), missing ? 0 : 255);
      for (int64_t c = 0; c < 3; ++c) ASSERT_EQ(read.at(y, x, c), missing ? 255 : image.at(y, x, c));
    }
  }
}

TEST(Dicom, JpegFramesAreFoundByTableAndWithout) {
  const TempFolder folder;
  const Image image = Smooth(50, 37, 3);
  WriteDicom(folder / "table", image, {.jpeg = true});
  WriteDicom(folder / "none", image, {.jpeg = true, .offset_table = false});
  const Image read = ReadAll(*Slide::Open(folder / "table")->OpenRows());
  EXPECT_LT(MaxDifference(read, image), 12);
  EXPECT_EQ(ReadAll(*Slide::Open(folder / "none")->OpenRows()), read);
}

TEST(Dicom, FramesInTwoFragmentsNeedATable) {
  const TempFolder folder;
  const Image image = Noise(40, 30, 3, 1);
  WriteDicom(folder / "one", image, {.jpeg = true});
  WriteDicom(folder / "table", image, {.jpeg = true, .two_fragments = true});
  WriteDicom(folder / "none", image, {.jpeg = true, .two_fragments = true, .offset_table = false});
  EXPECT_EQ(ReadAll(*Slide::Open(folder / "table")->OpenRows()),
            ReadAll(*Slide::Open(folder / "one")->OpenRows()));
  EXPECT_THAT(Complaint(folder / "none"), HasSubstr("12 fragments and no offset table, expected 6 frames"));
}

TEST(Dicom, AFrameOfJpeg2000ThatIsCutOffIsAnError) {
  const TempFolder folder;
  const Image image = Noise(40, 30, 3, 1);
  for (const bool in_parts : {false, true}) {
    size_t whole = 0;
    DicomSpec spec{.jp2k = Jp2kSpec{.tile_parts = in_parts}};
    spec.change_frame = [&](size_t frame, std::string* bytes) {
      if (frame == 3) whole = bytes->size();
    };
    WriteDicom(folder / "whole", image, spec);
    EXPECT_EQ(ReadAll(*Slide::Open(folder / "whole")->OpenRows()), image);
    for (size_t length = 2; length < whole; ++length) {
      spec.instance = "1.2.3.5";
      spec.change_frame = [&](size_t frame, std::string* bytes) {
        if (frame == 3) bytes->resize(length);
      };
      spec.change = [](DcmDataset& data) { data.putAndInsertString(DCM_SeriesInstanceUID, "1.2.9"); };
      WriteDicom(folder / "cut", image, spec);
      EXPECT_THAT(Complaint(folder / "cut"), HasSubstr("cut: frame 3: the JPEG 2000 is "))
          << length << " of " << whole;
    }
  }
}

TEST(Dicom, VolumesOfASeriesAreLevels) {
  const TempFolder folder;
  const Image image = Noise(64, 48, 3, 1), half = Subsample(image, 2);
  WriteDicom(folder / "a", half, {.instance = "1.2.3.5"});
  WriteDicom(folder / "b", image, {});
  WriteDicom(folder / "copy", image, {});
  WriteDicom(folder / "label", Noise(20, 10, 3, 2),
             {.kind = "ORIGINAL\\PRIMARY\\LABEL\\NONE", .instance = "1.2.3.6"});
  WriteDicom(folder / "other", Noise(20, 10, 3, 3),
             {.change = [](DcmDataset& data) { data.putAndInsertString(DCM_SeriesInstanceUID, "1.2.9"); }});
  for (const char* name : {"a", "b", "label"}) {
    const auto slide = Slide::Open(folder / name);
    ASSERT_EQ(slide->info().levels.size(), 2);
    EXPECT_EQ(slide->info().levels[1].downsample, 2);
    EXPECT_THAT(slide->info().associated, ::testing::ElementsAre("LABEL (label, 20x10)"));
    EXPECT_EQ(ReadAll(*slide->OpenRows()), image);
    EXPECT_EQ(ReadAll(*slide->OpenRows({.level = 1})), half);
  }
}

TEST(Dicom, ThreadsReadAtOnce) {
  const TempFolder folder;
  const Image image = Noise(160, 160, 3, 1);
  WriteDicom(folder / "image", image);
  const auto rows = Slide::Open(folder / "image")->OpenRows();
  std::vector<Image> read(4);
  std::vector<std::thread> threads;
  for (Image& one : read) threads.emplace_back([&one, clone = rows->Clone()] { one = ReadAll(*clone, 5); });
  for (std::thread& thread : threads) thread.join();
  for (const Image& one : read) EXPECT_EQ(one, image);
}

TEST(Dicom, WhatIsNotReadExactlyIsRefused) {
  const TempFolder folder;
  const auto complaint = [&](std::function<void(DcmDataset&)> change) {
    WriteDicom(folder / "x", Noise(32, 32, 3, 1), {.change = std::move(change)});
    return Complaint(folder / "x");
  };
  EXPECT_THAT(complaint([](DcmDataset& d) { d.putAndInsertUint32(DCM_NumberOfOpticalPaths, 3); }),
              HasSubstr("3 optical paths"));
  EXPECT_THAT(complaint([](DcmDataset& d) { d.putAndInsertUint32(DCM_TotalPixelMatrixFocalPlanes, 2); }),
              HasSubstr("2 focal planes"));
  EXPECT_THAT(complaint([](DcmDataset& d) { d.putAndInsertUint16(DCM_BitsStored, 12); }),
              HasSubstr("12 bits"));
  EXPECT_THAT(
      complaint([](DcmDataset& d) { d.putAndInsertString(DCM_PhotometricInterpretation, "PALETTE COLOR"); }),
      HasSubstr("PALETTE COLOR"));
  EXPECT_THAT(complaint([](DcmDataset& d) {
                d.putAndInsertString(DCM_SOPClassUID, UID_SecondaryCaptureImageStorage);
              }),
              HasSubstr("SecondaryCaptureImageStorage"));
  EXPECT_THAT(complaint([](DcmDataset& d) { d.putAndInsertString(DCM_ConcatenationUID, "1.2"); }),
              HasSubstr("concatenation"));
  EXPECT_THAT(complaint([](DcmDataset& d) { d.putAndInsertUint32(DCM_TotalPixelMatrixRows, 64); }),
              HasSubstr("4 frames, expected the 8 tiles"));
  EXPECT_THAT(
      complaint([](DcmDataset& d) { d.putAndInsertString(DCM_DimensionOrganizationType, "TILED_SPARSE"); }),
      HasSubstr("do not say where they lie"));
  EXPECT_THAT(complaint([](DcmDataset& d) { d.putAndInsertString(DCM_NumberOfFrames, "40"); }),
              HasSubstr("40 frames"));
  EXPECT_EQ(complaint([](DcmDataset&) {}), "");
}

TEST(Dicom, DamageNeverCrashes) {
  const TempFolder folder;
  const Image image = Smooth(40, 40, 3);
  for (const DicomSpec& spec :
       {DicomSpec{}, DicomSpec{.jpeg = true}, DicomSpec{.sparse = true, .missing = 2}}) {
    WriteDicom(folder / "whole", image, spec);
    const std::string bytes = test::ReadFile(folder / "whole");
    std::filesystem::remove(folder / "whole");
    const Image whole = [&] {
      test::WriteFile(folder / "x", bytes);
      return ReadAll(*Slide::Open(folder / "x")->OpenRows());
    }();
    for (size_t length = 0; length < bytes.size(); length += bytes.size() / 61) {
      test::WriteFile(folder / "x", bytes.substr(0, length));
      if (Complaint(folder / "x").empty()) {
        EXPECT_EQ(ReadAll(*Slide::Open(folder / "x")->OpenRows()), whole);
      }
    }
    std::mt19937 random(1);
    for (int i = 0; i < 300; ++i) {
      std::string damaged = bytes;
      for (int changes = 1 + static_cast<int>(random() % 4); changes > 0; --changes) {
        const size_t most = random() % 4 == 0 ? damaged.size() : std::min<size_t>(damaged.size(), 1500);
        damaged[random() % most] = static_cast<char>(random() % 4 == 0 ? 255 : random());
      }
      test::WriteFile(folder / "x", damaged);
      Complaint(folder / "x");
    }
  }
}

class RealDicom : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(Path(""))) GTEST_SKIP() << "no shared data at " << SWATH_SHARED_DATA;
  }
  static std::string Path(const std::string& name) {
    return std::string(SWATH_SHARED_DATA) + "/slides/" + name;
  }
  static bool Runs(const std::string& command) {
    return std::system(("(" + command + ") > /dev/null 2>&1").c_str()) == 0;
  }
};

/// The frames of a whole image, one after the other, as DCMTK's converter shows them.
Image DcmtkFrames(const std::string& path, const SlideInfo& info, const TempFolder& folder) {
  const std::string command =
      "dcmj2pnm --all-frames --write-raw-pnm '" + path + "' '" + (folder / "frame") + "' > /dev/null 2>&1";
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
  const SlideLevel& level = info.levels[0];
  Image image{level.width, level.height, 3,
              std::vector<uint8_t>(static_cast<size_t>(level.width * level.height * 3))};
  const int64_t across = (level.width + level.tile_width - 1) / level.tile_width;
  for (int64_t y = 0; y < level.height; ++y) {
    for (int64_t tile = 0; tile < across; ++tile) {
      const int64_t frame = y / level.tile_height * across + tile;
      static std::string name, pixels;
      if (name != path + std::to_string(frame)) {
        pixels = test::ReadFile(folder / ("frame." + std::to_string(frame) + ".ppm"));
        name = path + std::to_string(frame);
      }
      const int64_t left = tile * level.tile_width, width = std::min(level.tile_width, level.width - left);
      const int64_t header = static_cast<int64_t>(pixels.size()) - level.tile_width * level.tile_height * 3;
      std::memcpy(&image.at(y, left, 0),
                  pixels.data() + header + y % level.tile_height * level.tile_width * 3,
                  static_cast<size_t>(width * 3));
    }
  }
  return image;
}

TEST_F(RealDicom, EqualsWhatDcmtkShows) {
  if (!Runs("dcmj2pnm --version")) GTEST_SKIP() << "no dcmj2pnm";
  const TempFolder folder;
  struct Case {
    const char* name;
    int most;  ///< DCMTK has another libjpeg, whose chroma is interpolated otherwise
  };
  for (const auto& [name, most] : {Case{"sm_image.dcm", 0}, Case{"boxes_0.dcm", 0},
                                   Case{"multiframe_camelyon_challenge_image.dcm", 3}}) {
    const auto slide = Slide::Open(Path(name));
    EXPECT_LE(MaxDifference(ReadAll(*slide->OpenRows(), 64), DcmtkFrames(Path(name), slide->info(), folder)),
              most)
        << name;
  }
}

TEST_F(RealDicom, EqualsItselfInEveryCodingThatGdcmWrites) {
  if (!Runs("gdcmconv --version")) GTEST_SKIP() << "no gdcmconv";
  const TempFolder folder;
  const std::string plain = Path("sm_image.dcm"), camelyon = Path("multiframe_camelyon_challenge_image.dcm");
  const Image image = ReadAll(*Slide::Open(plain)->OpenRows());
  for (const std::string options : {"--raw --implicit", "--j2k", "--raw"}) {
    ASSERT_TRUE(Runs("gdcmconv " + options + " -i '" + plain + "' -o '" + (folder / "x") + "'")) << options;
    EXPECT_EQ(ReadAll(*Slide::Open(folder / "x")->OpenRows()), image) << options;
  }
  ASSERT_TRUE(Runs("gdcmconv --rle -i '" + plain + "' -o '" + (folder / "x") + "'"));
  EXPECT_THAT(Complaint(folder / "x"), HasSubstr("RLE"));
  // Native YBR_FULL, and the same as lossless JPEG 2000. GDCM's JPEG decoder repeats chroma samples.
  ASSERT_TRUE(Runs("gdcmconv --raw -i '" + camelyon + "' -o '" + (folder / "x") + "'"));
  const Image native = ReadAll(*Slide::Open(folder / "x")->OpenRows());
  EXPECT_LT(MaxDifference(native, ReadAll(*Slide::Open(camelyon)->OpenRows())), 60);
  ASSERT_TRUE(Runs("gdcmconv --j2k -i '" + (folder / "x") + "' -o '" + (folder / "y") + "'"));
  std::filesystem::remove(folder / "x");
  EXPECT_EQ(ReadAll(*Slide::Open(folder / "y")->OpenRows()), native);
}

}  // namespace
}  // namespace swath
