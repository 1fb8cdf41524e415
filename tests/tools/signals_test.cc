/// What a run that is ended by a signal leaves behind.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>

#include "tests/tools/run_program.h"

namespace swath {
namespace {

int64_t PendingFiles(const std::string& folder) {
  std::error_code absent;
  int64_t count = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder, absent)) {
    count += file.path().string().find(".partial-") != std::string::npos;
  }
  return count;
}

class Signals : public testing::TestWithParam<int> {};

TEST_P(Signals, LeaveNoUnfinishedFiles) {
  const TemporaryFolder folder;
  const std::string slides = folder.File("slides");
  // Large enough to be far from done when both files, slide and mask, have been begun.
  const pid_t child =
      test::StartProgram({"synth", slides, "--size", "8192x200000", "--slides", "1", "--threads", "2"},
                         folder.File("out"), folder.File("err"));
  ASSERT_GT(child, 0);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (PendingFiles(slides) < 2 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(PendingFiles(slides), 2);
  kill(child, GetParam());
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), GetParam());
  EXPECT_EQ(PendingFiles(slides), 0);
}

INSTANTIATE_TEST_SUITE_P(, Signals, testing::Values(SIGINT, SIGTERM, SIGHUP));

}  // namespace
}  // namespace swath
