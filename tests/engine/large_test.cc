/// Images of more than 2^31 values: shapes, plans and strips are right where 32 bits would not do, without a
/// pixel being computed.
#include <gtest/gtest.h>

#include "engine/program.h"
#include "engine/strip.h"
#include "engine/sweep.h"
#include "layers/layer.h"
#include "swath/model.h"
#include "swath/plan.h"

namespace swath {
namespace {

constexpr int64_t kMost = (int64_t{1} << 31) - 64;  // of a side, and a multiple of the total stride

struct Size {
  int64_t width, height;
};
constexpr Size kSizes[] = {{16000, 64000}, {64000, 16000}, {160000, 256000}, {64, kMost}, {kMost, 64}};

TEST(LargeImages, ShapesAreThoseOfTheDefinition) {
  const Graph graph = BuiltInModel("unet-4492", 1);
  for (const auto& [width, height] : kSizes) {
    const std::vector<Shape> shapes = InferShapes(graph, width, height);
    EXPECT_EQ(shapes[static_cast<size_t>(graph.input)], (Shape{3, height, width}));
    EXPECT_EQ(shapes[static_cast<size_t>(graph.output)], (Shape{1, height, width}));
    for (const Node& node : graph.nodes) {
      const Shape& dst = shapes[static_cast<size_t>(node.dst)];
      EXPECT_EQ(height % dst.height, 0) << node.name;
      EXPECT_EQ(dst.size(), dst.channels * (height * width / (height / dst.height) / (width / dst.width)));
    }
  }
  EXPECT_EQ(InferShapes(graph, 16000, 64000)[static_cast<size_t>(graph.input)].size(), 3072000000);
}

TEST(LargeImages, MultiplyAddsAreCounted) {
  const Graph graph = BuiltInModel("unet-4492", 1);
  const auto loss = MakeLoss({});
  const auto forward = [&](const Size& size) {
    return MakePlan(graph, loss.get(), size.width, size.height, {.threads = 1, .strips = 1, .panels = 1})
        .forward_multiply_adds;
  };
  const double a_pixel = static_cast<double>(forward({1024, 1024})) / (1024.0 * 1024.0);
  for (const Size& size : kSizes) {
    if (size.height == kMost) continue;  // a plan goes through all rows
    const double pixels = static_cast<double>(size.width) * static_cast<double>(size.height);
    EXPECT_NEAR(static_cast<double>(forward(size)), a_pixel * pixels, 1e-9 * a_pixel * pixels) << pixels;
  }
}

/// Memory is in proportion to the width of a panel, but for margins, sums and weights.
TEST(LargeImages, BytesAreInProportionToTheWidth) {
  const Graph graph = BuiltInModel("unet-4492", 1);
  const auto loss = MakeLoss({.kind = LossKind::kDice});
  const auto bytes = [&](int64_t width) {
    return static_cast<double>(
        MakePlan(graph, loss.get(), width, 64000, {.threads = 2, .strips = 2, .panels = 1}).engine_bytes());
  };
  const double a_column = (bytes(32000) - bytes(16000)) / 16000;
  EXPECT_GT(a_column, 0);
  for (const int64_t width : {int64_t{160000}, int64_t{1} << 22, kMost})
    EXPECT_NEAR(bytes(width), a_column * static_cast<double>(width), 1e-2 * bytes(width)) << width;
}

/// A strip far down has the rows of one near the top, moved.
TEST(LargeImages, StripsFarDownAreLikeThoseAbove) {
  const Graph graph = BuiltInModel("unet-4492", 1);
  const Program program = Lower(graph, 64, kMost);
  const Sweep sweep = PlanSweeps(program).backward.back();
  for (const int64_t down : {int64_t{64000}, int64_t{1} << 30, kMost - 64000}) {
    for (const Range owned : {Range{6400, 6401}, Range{6413, 9000}}) {
      const Strip above = MakeStrip(program, sweep, owned, kMost),
                  below = MakeStrip(program, sweep, {owned.begin + down, owned.end + down}, kMost);
      for (size_t t = 0; t < program.tensors.size(); ++t) {
        const int64_t moved = down / (kMost / program.tensors[t].shape.height);
        EXPECT_EQ(below.rows[t], (Range{above.rows[t].begin + moved, above.rows[t].end + moved}))
            << program.tensors[t].name << ", " << down << " rows down";
      }
    }
  }
  const auto strips = MakeStrips(program, sweep, {0, kMost}, 7);
  ASSERT_EQ(strips.size(), 7u);
  for (size_t i = 0; i < strips.size(); ++i)
    EXPECT_EQ(strips[i].owned.begin, i == 0 ? 0 : strips[i - 1].owned.end);
  EXPECT_EQ(strips.back().owned.end, kMost);
}

TEST(LargeImages, PanelsCoverTheWidth) {
  const Program program = Lower(BuiltInModel("unet-4492", 1), kMost, 64);
  const std::vector<Panel> panels = MakePanels(program, {0, kMost}, 5, 64);
  ASSERT_EQ(panels.size(), 5u);
  for (size_t i = 0; i < panels.size(); ++i) {
    EXPECT_EQ(panels[i].owned.begin, i == 0 ? 0 : panels[i - 1].owned.end);
    EXPECT_GE(panels[i].columns[0].size(), panels[i].owned.size());
    EXPECT_LE(panels[i].columns[0].size(), panels[i].owned.size() + 600) << "halo";
  }
  EXPECT_EQ(panels.back().owned.end, kMost);
}

/// In training; the more panels there are the more rows a prediction would have to keep.
TEST(LargeImages, WideOnesAreTrainedInPanels) {
  const Graph graph = BuiltInModel("unet-4492", 1);
  const auto loss = MakeLoss({});
  const auto plan = [&](const Objective& objective, int64_t width) {
    return MakePlan(graph, objective, width, 640, {.threads = 1, .strips = 1});
  };
  for (const auto& [width, panels] :
       {std::pair{int64_t{64}, int64_t{1}}, {16000, 1}, {32000, 1}, {64000, 3}, {kMost, 8}}) {
    EXPECT_EQ(plan(loss.get(), width).options.panels, panels) << width;
    EXPECT_EQ(plan(nullptr, width).options.panels, 1) << width;
  }
  const Plan wide = plan(loss.get(), 64000), half = plan(loss.get(), 32000);
  EXPECT_LT(wide.engine_bytes(), half.engine_bytes());
  EXPECT_LE(wide.multiply_adds(), 1.02 * 2 * half.multiply_adds()) << "halos";
}

}  // namespace
}  // namespace swath
