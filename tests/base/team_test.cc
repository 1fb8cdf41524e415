/// Tasks are done once, by whoever is free; failures come back.
#include "base/team.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

namespace swath {
namespace {

TEST(Team, DoesEveryTaskOnceOnAThreadOfItsOwn) {
  for (const int64_t size : {1, 2, 5}) {
    Team team(size);
    EXPECT_EQ(team.size(), size);
    for (int round = 0; round < 200; ++round) {
      std::vector<std::atomic<int>> done(37), busy(static_cast<size_t>(size));
      for (size_t i = 0; i < done.size(); ++i) {
        team.Add([&, i](int64_t thread) {
          ASSERT_GE(thread, 0);
          ASSERT_LT(thread, size);
          EXPECT_EQ(busy[static_cast<size_t>(thread)]++, 0) << "two tasks on one thread";
          ++done[i];
          --busy[static_cast<size_t>(thread)];
        });
      }
      team.Wait();
      for (const auto& count : done) EXPECT_EQ(count, 1);
    }
  }
}

TEST(Team, HelpsWhileTheCallerIsBusy) {
  Team team(2);
  std::atomic<bool> done = false;
  team.Add([&](int64_t thread) {
    EXPECT_EQ(thread, 1);
    done = true;
  });
  while (!done) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  team.Wait();
}

TEST(Team, ThrowsWhatATaskThrewAndGoesOn) {
  for (const int64_t size : {1, 3}) {
    Team team(size);
    std::atomic<int> done = 0;
    for (int i = 0; i < 20; ++i) {
      team.Add([&, i](int64_t) {
        if (i == 7) throw std::runtime_error("seven");
        ++done;
      });
    }
    EXPECT_THROW(team.Wait(), std::runtime_error);
    EXPECT_EQ(done, 19);
    team.Add([&](int64_t) { ++done; });
    team.Wait();
    EXPECT_EQ(done, 20);
  }
}

TEST(Team, DropsWhatIsLeftAfterAFailure) {
  Team team(1);
  team.Add([](int64_t) { FAIL() << "was dropped"; });
  team.Drop();
  team.Wait();
}

}  // namespace
}  // namespace swath
