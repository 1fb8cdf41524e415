#include "engine/strip.h"

#include <algorithm>

namespace swath {

Strip MakeStrip(const Program& program, Range owned) {
  Strip strip{owned, std::vector<Range>(program.tensors.size())};
  strip.rows[static_cast<size_t>(program.output)] = owned;
  for (auto op = program.ops.rbegin(); op != program.ops.rend(); ++op) {
    const Range needed = op->rows.Src(strip.rows[static_cast<size_t>(op->dst)]);
    for (const auto& parts : op->srcs) {
      for (const SourcePart& part : parts) {
        Range& rows = strip.rows[static_cast<size_t>(part.tensor)];
        const int64_t height = program.tensors[static_cast<size_t>(part.tensor)].shape.height;
        rows = Hull(rows, Intersect(needed, {0, height}));
      }
    }
  }
  return strip;
}

std::vector<Strip> MakeStrips(const Program& program, int64_t count) {
  const int64_t height = program.tensors[static_cast<size_t>(program.output)].shape.height;
  count = std::clamp<int64_t>(count, 1, height);
  std::vector<Strip> strips;
  for (int64_t i = 0; i < count; ++i) {
    strips.push_back(MakeStrip(program, {height * i / count, height * (i + 1) / count}));
  }
  return strips;
}

int64_t DefaultStrips(const Program& program) {
  constexpr int64_t kMostStrips = 8;
  constexpr double kMostRepeated = 0.07;
  const int64_t height = program.tensors[0].shape.height;
  for (int64_t count = kMostStrips; count > 1; count /= 2) {
    int64_t rows = 0;
    const std::vector<Strip> strips = MakeStrips(program, count);
    for (const Strip& strip : strips) rows += strip.rows[0].size();
    if (static_cast<int64_t>(strips.size()) == count &&
        static_cast<double>(rows - height) <= kMostRepeated * static_cast<double>(height)) {
      return count;
    }
  }
  return 1;
}

}  // namespace swath
