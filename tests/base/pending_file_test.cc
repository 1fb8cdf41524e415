#include "base/pending_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "swath/error.h"
#include "tests/support/temporary_folder.h"

namespace swath {
namespace {

TEST(PendingFile, AppearsOnlyWhenCommitted) {
  const TemporaryFolder folder;
  const std::string path = folder.File("result");
  {
    PendingFile pending(path);
    std::ofstream(pending.temporary()) << "half";
    EXPECT_FALSE(std::filesystem::exists(path));
  }
  EXPECT_EQ(folder.Count(), 0);
  PendingFile pending(path);
  std::ofstream(pending.temporary()) << "whole";
  pending.Commit();
  EXPECT_TRUE(std::filesystem::exists(path));
  EXPECT_EQ(folder.Count(), 1);
}

TEST(PendingFile, KeepsTheOldFileUntilTheNewOneIsWhole) {
  const TemporaryFolder folder;
  const std::string path = folder.File("result");
  std::ofstream(path) << "old";
  { PendingFile pending(path); }
  std::string text;
  std::ifstream(path) >> text;
  EXPECT_EQ(text, "old");
}

TEST(PendingFile, RefusesAFolder) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.File("result"));
  EXPECT_THROW(PendingFile(folder.File("result")), Error);
}

}  // namespace
}  // namespace swath
