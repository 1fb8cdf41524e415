/// The plan: rows alive at once, their independence of the height, work done once.
#include "swath/plan.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "engine/schedule.h"
#include "swath/error.h"
#include "swath/model.h"

namespace swath {
namespace {

/// The rows that a row-counter model of the schedule, written independently, keeps for the seed's network.
TEST(Plan, LiveRowsOfUNet4492) {
  const Graph graph = BuiltInModel("unet-4492", 1);
  const auto loss = MakeLoss({});
  const Plan plan = MakePlan(graph, loss.get(), 16000, 4096, {.threads = 1, .strips = 1});
  // By single rows the decoder's values would be 3, 3, 5 and 1; it takes four at once. A gradient of d1 is
  // made of the logits' when they are all known: they are kept until then.
  const std::vector<std::pair<int64_t, int64_t>> expected = {{276, 0}, {68, 37}, {16, 9}, {3, 1}, {3, 2},
                                                             {8, 5},   {8, 5},   {8, 6},  {4, 8}};
  ASSERT_EQ(plan.tensors.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(plan.tensors[i].value_rows, expected[i].first) << plan.tensors[i].name;
    EXPECT_EQ(plan.tensors[i].gradient_rows, expected[i].second) << plan.tensors[i].name;
  }
}

TEST(Plan, MemoryDoesNotGrowWithTheHeight) {
  const Graph graph = BuiltInModel("unet-4492", 1);
  for (const LossKind kind : {LossKind::kBce, LossKind::kDice, LossKind::kBceDice}) {
    const auto loss = MakeLoss({.kind = kind});
    const int64_t bytes = MakePlan(graph, loss.get(), 1600, 2048, {.threads = 2, .strips = 2}).engine_bytes();
    for (int64_t height : {8000, 32000, 64000, 1024000}) {
      EXPECT_EQ(MakePlan(graph, loss.get(), 1600, height, {.threads = 2, .strips = 2}).engine_bytes(), bytes)
          << height;
    }
  }
}

/// Rows that are kept for long are kept in half of the bytes; others are not, and never cost more.
TEST(Plan, BFloat16NeedsNoMoreMemory) {
  const auto loss = MakeLoss({});
  for (const char* name : {"unet-4492", "unet:base=16,depth=3"}) {
    const Graph graph = BuiltInModel(name, 1);
    const auto rows = [&](Precision precision) {
      const Plan plan =
          MakePlan(graph, loss.get(), 1024, 1024, {.threads = 1, .strips = 1, .precision = precision});
      return plan.ring_bytes + plan.view_bytes;
    };
    const double share =
        static_cast<double>(rows(Precision::kBFloat16)) / static_cast<double>(rows(Precision::kFloat32));
    EXPECT_LT(share, name == std::string("unet-4492") ? 1.0 : 0.85) << name;
  }
}

TEST(Plan, TakesTheCheaperNumberOfSweeps) {
  const Graph graph = BuiltInModel("unet-4492", 1);
  const auto plan = [&](LossKind kind, LossSweeps sweeps) {
    const auto loss = MakeLoss({.kind = kind});
    return MakePlan(graph, loss.get(), 1024, 1024, {.loss_sweeps = sweeps});
  };
  EXPECT_EQ(plan(LossKind::kBce, LossSweeps::kTwo).sweeps, 1) << "nothing to wait for";
  EXPECT_EQ(plan(LossKind::kDice, LossSweeps::kCheaper).sweeps, 1);
  EXPECT_EQ(plan(LossKind::kDice, LossSweeps::kCheaper).cotangents, 2);
  EXPECT_EQ(plan(LossKind::kBceDice, LossSweeps::kCheaper).sweeps, 2);
  EXPECT_EQ(plan(LossKind::kBceDice, LossSweeps::kOne).cotangents, 3);
}

/// A part of a tall image is not cut into as many strips as all of it.
TEST(Plan, PartsHaveStripsOfTheirOwn) {
  const Graph graph = BuiltInModel("unet-4492", 1);
  const auto loss = MakeLoss({});
  for (const Objective& objective : {Objective(loss.get()), Objective(nullptr)}) {
    const auto plan = [&](const PlanOptions& options) {
      return MakePlan(graph, objective, 2048, 32768, options);
    };
    const Plan whole = plan({.threads = 2});
    EXPECT_GE(whole.options.strips, 8);
    const Part part{{4096, 5120}, {512, 1536}};
    const Plan own = plan(ForParts(whole.options, 0, {part}));
    EXPECT_LE(own.options.strips, 2);
    EXPECT_LT(own.input_pixels, plan(ForParts(whole.options, whole.options.strips, {part})).input_pixels);
    EXPECT_EQ(plan(ForParts(whole.options, 4, {part})).options.strips, 4);
    EXPECT_EQ(ForParts(whole.options, 0, {}).strips, whole.options.strips);
  }
}

TEST(Plan, RefusesAnOutputOfAnotherSize) {
  Graph graph = BuiltInModel("unet-4492", 1);
  graph.output = graph.nodes[3].dst;
  const auto loss = MakeLoss({});
  EXPECT_THROW(MakePlan(graph, loss.get(), 1024, 1024, {}), Error);
}

/// Every row of every tensor is computed once in a strip, goes back once, and in the order of I1.
TEST(Schedule, DoesEverythingOnce) {
  const Graph graph = BuiltInModel("unet-4492", 1);
  const Program program = Lower(graph, 64, 1024);
  const Sweep sweep = PlanSweeps(program).backward.back();
  for (const Range owned : {Range{0, 1024}, Range{300, 301}, Range{517, 900}}) {
    const Strip strip = MakeStrip(program, sweep, owned, 1024);
    Schedule schedule(program, sweep, strip);
    std::map<std::pair<int, int>, int64_t> next;  // (kind, op) -> row
    for (Work work = schedule.Next(); work.kind != Work::Kind::kDone; work = schedule.Next()) {
      const int tensor = work.kind == Work::Kind::kInput ? 0 : program.ops[static_cast<size_t>(work.op)].dst;
      const Range rows = strip.rows[static_cast<size_t>(tensor)];
      auto [it, first] = next.insert({{static_cast<int>(work.kind), work.op}, rows.begin});
      EXPECT_EQ(work.rows.begin, it->second);
      it->second = work.rows.end;
      schedule.Commit(work);
    }
    EXPECT_EQ(next.size(), 1 + 2 * program.ops.size());
    for (const auto& [key, row] : next) {
      const int tensor = key.second < 0 ? 0 : program.ops[static_cast<size_t>(key.second)].dst;
      EXPECT_EQ(row, strip.rows[static_cast<size_t>(tensor)].end);
    }
  }
}

TEST(Strips, RepeatTheirHaloAndNoMore) {
  const Graph graph = BuiltInModel("unet-4492", 1);
  const Program program = Lower(graph, 64, 6400);
  const Sweep sweep = PlanSweeps(program).backward.back();
  int64_t most = 0;
  for (int64_t cut = 3200; cut < 3264; ++cut) {
    const int64_t above = MakeStrip(program, sweep, {0, cut}, 6400).rows[0].size(),
                  below = MakeStrip(program, sweep, {cut, 6400}, 6400).rows[0].size();
    most = std::max(most, above + below - 6400);
  }
  EXPECT_EQ(most, 276) << "as many rows as the longest window, wherever the cut lies against the strides";
}

}  // namespace
}  // namespace swath
