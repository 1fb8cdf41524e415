#include "swath/png_writer.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <vector>

#include "swath/error.h"
#include "tests/output/read_png.h"
#include "tests/support/temporary_folder.h"

namespace swath {
namespace {

TEST(PngWriter, RoundTrips) {
  const TemporaryFolder folder;
  for (const int64_t channels : {1, 3}) {
    const std::string path = folder.File("picture.png");
    std::vector<uint8_t> pixels(13 * 7 * channels);
    for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint8_t>(i * 37);
    PngWriter writer(path, {.width = 13, .height = 7, .channels = channels});
    writer.WriteRows(pixels.data(), 4);
    writer.WriteRows(pixels.data() + 4 * 13 * channels, 3);
    writer.Finish();
    EXPECT_EQ(test::ReadPng(path, channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY), pixels);
  }
  EXPECT_EQ(folder.Count(), 1);
}

TEST(PngWriter, LeavesNothingWithoutFinish) {
  const TemporaryFolder folder;
  const std::vector<uint8_t> row(12);
  { PngWriter(folder.File("a.png"), {.width = 4, .height = 2}).WriteRows(row.data(), 1); }
  {
    PngWriter writer(folder.File("b.png"), {.width = 4, .height = 2});
    writer.WriteRows(row.data(), 1);
    EXPECT_THROW(writer.Finish(), Error);
  }
  EXPECT_EQ(folder.Count(), 0);
}

TEST(PngWriter, NamesAPathThatCannotBeWritten) {
  try {
    PngWriter("/nowhere/at/all.png", {.width = 4, .height = 2});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kOutput);
    EXPECT_EQ(std::string(error.what()), "/nowhere/at/all.png: cannot be written: No such file or directory");
  }
}

}  // namespace
}  // namespace swath
