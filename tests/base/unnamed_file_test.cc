#include "base/unnamed_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>

#include "swath/error.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/temporary_folder.h"

namespace swath {
namespace {

std::string MessageOf(void (*step)(UnnamedFile&), const std::string& path) {
  try {
    UnnamedFile file(path, "a.tif: the temporary file");
    step(file);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kOutput);
    return e.what();
  }
  return {};
}

TEST(UnnamedFile, KeepsBytesAndLeavesNothing) {
  const TemporaryFolder folder;
  UnnamedFile file(folder.File("rows-"), "rows");
  EXPECT_EQ(folder.Count(), 0);
  file.Write(3, std::array<uint8_t, 2>{7, 8}.data(), 2);
  file.Write(0, std::array<uint8_t, 3>{4, 5, 6}.data(), 3);
  std::array<uint8_t, 4> bytes{};
  file.Read(1, bytes.data(), 4);
  EXPECT_THAT(bytes, testing::ElementsAre(5, 6, 7, 8));
}

TEST(UnnamedFile, SaysWhatItCannotDo) {
  const TemporaryFolder folder;
  EXPECT_EQ(MessageOf([](UnnamedFile&) {}, "/nowhere/rows-"),
            "a.tif: the temporary file cannot be created: No such file or directory");
  const auto write = [](UnnamedFile& file) {
    const std::array<uint8_t, 100> bytes{};
    file.Write(0, bytes.data(), 100);
  };
  const FileSizeLimit full(50);
  EXPECT_EQ(MessageOf(write, folder.File("rows-")), "a.tif: the temporary file cannot grow: File too large");
  EXPECT_EQ(folder.Count(), 0);
}

TEST(UnnamedFile, NeverMakesBytesUp) {
  const TemporaryFolder folder;
  const auto read = [](UnnamedFile& file) {
    std::array<uint8_t, 1> bytes{};
    file.Read(0, bytes.data(), 1);
  };
  EXPECT_THAT(MessageOf(read, folder.File("rows-")), testing::HasSubstr("cannot be read back"));
}

}  // namespace
}  // namespace swath
