#include "base/pending_file.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <thread>
#include <vector>

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

TEST(PendingFile, AllCanBeRemovedAtOnce) {
  const TemporaryFolder folder;
  PendingFile committed(folder.File("committed")), first(folder.File("first")), second(folder.File("second"));
  { PendingFile gone(folder.File("gone")); }
  const PendingFile third(folder.File("third"));  // in the place of the one that is gone
  for (const PendingFile* file :
       std::initializer_list<const PendingFile*>{&committed, &first, &second, &third}) {
    std::ofstream(file->temporary()) << "half";
  }
  committed.Commit();
  RemovePendingFiles();
  EXPECT_EQ(folder.Count(), 1);
  EXPECT_TRUE(std::filesystem::exists(committed.path()));
  EXPECT_THROW(first.Commit(), Error);
  RemovePendingFiles();
  EXPECT_EQ(folder.Count(), 1);
}

// For ThreadSanitizer: the owners are other threads than the one that removes.
TEST(PendingFile, OthersMayComeAndGoWhileAllAreRemoved) {
  const TemporaryFolder folder;
  std::atomic<int> rounds = 0;
  std::vector<std::thread> owners;
  for (int i = 0; i < 3; ++i) {
    owners.emplace_back([&, i] {
      while (++rounds < 10000) PendingFile(folder.File(std::to_string(i)));
    });
  }
  while (rounds < 10000) RemovePendingFiles();
  for (std::thread& owner : owners) owner.join();
  EXPECT_EQ(folder.Count(), 0);
}

TEST(PendingFile, RefusesAFolder) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.File("result"));
  EXPECT_THROW(PendingFile(folder.File("result")), Error);
}

}  // namespace
}  // namespace swath
