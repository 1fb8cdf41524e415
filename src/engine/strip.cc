#include "engine/strip.h"

#include <algorithm>
#include <numeric>

#include "engine/sweep.h"

namespace swath {
namespace {

/// The tensors whose rows or columns are owned: the output, and what stands for the rows of a reduction.
std::vector<int> Targets(const Program& program, const Sweep& sweep) {
  std::vector<int> targets;
  if (sweep.output) targets.push_back(program.output);
  for (size_t i = 0; i < program.ops.size(); ++i) {
    if (program.ops[i].reduction && sweep.forward[i]) targets.push_back(program.ops[i].dst);
  }
  return targets;
}

/// What an op reads for these columns of its dst: never nothing, and for a scatter also the source column
/// that the first of them would be made of, so that columns counted from there have no negative padding.
Range SourceColumns(const Op& op, Range dst, int64_t width) {
  Range src = op.columns.Src(dst);
  if (op.columns.kind == Window::Kind::kScatter)
    src.begin = std::min(src.begin, FloorDiv(dst.begin + op.columns.pad_begin, op.columns.stride));
  src.begin = std::clamp<int64_t>(src.begin, 0, width - 1);
  src.end = std::clamp<int64_t>(src.end, src.begin + 1, width);
  return src;
}

/// A panel that owns [begin, end) of the image's columns, and the same share of everything else.
Panel MakePanel(const Program& program, Range image) {
  const int64_t all = program.tensors[0].shape.width;
  Panel panel{.owned = {},
              .columns = std::vector<Range>(program.tensors.size()),
              .src_columns = std::vector<Range>(program.ops.size())};
  const auto own = [&](int t) {
    const int64_t width = program.tensors[static_cast<size_t>(t)].shape.width;
    const Range owned{width * image.begin / all, width * image.end / all};
    panel.columns[static_cast<size_t>(t)] = Hull(panel.columns[static_cast<size_t>(t)], owned);
    return owned;
  };
  if (program.output >= 0) panel.owned = own(program.output);
  for (const Op& op : program.ops) {
    if (op.reduction) own(op.dst);
  }
  for (size_t i = program.ops.size(); i-- > 0;) {
    const Op& op = program.ops[i];
    const int64_t width = program.tensors[static_cast<size_t>(op.any_part().tensor)].shape.width;
    panel.src_columns[i] = SourceColumns(op, panel.columns[static_cast<size_t>(op.dst)], width);
    for (const OpSource& src : op.srcs) {
      for (const SourcePart& part : src.parts) {
        Range& columns = panel.columns[static_cast<size_t>(part.tensor)];
        columns = Hull(columns, panel.src_columns[i]);
      }
    }
  }
  return panel;
}

}  // namespace

Strip MakeStrip(const Program& program, const Sweep& sweep, Range part, int64_t of) {
  Strip strip{.owned = {}, .rows = std::vector<Range>(program.tensors.size())};
  const auto height = [&](int t) { return program.tensors[static_cast<size_t>(t)].shape.height; };
  for (const int target : Targets(program, sweep)) {
    const int64_t rows = height(target);
    strip.rows[static_cast<size_t>(target)] = {rows * part.begin / of, rows * part.end / of};
  }
  if (sweep.output) strip.owned = strip.rows[static_cast<size_t>(program.output)];
  for (size_t i = program.ops.size(); i-- > 0;) {
    const Op& op = program.ops[i];
    if (!sweep.forward[i]) continue;
    const Range needed = op.rows.Src(strip.rows[static_cast<size_t>(op.dst)]);
    for (const OpSource& src : op.srcs) {
      for (const SourcePart& p : src.parts) {
        Range& rows = strip.rows[static_cast<size_t>(p.tensor)];
        rows = Hull(rows, Intersect(needed, {0, height(p.tensor)}));
      }
    }
  }
  return strip;
}

Part WholeImage(const Program& program) {
  const Shape& image = program.tensors[0].shape;
  return {.rows = {0, image.height}, .columns = {0, image.width}};
}

std::vector<Strip> MakeStrips(const Program& program, const Sweep& sweep, Range rows, int64_t count) {
  const int64_t all = program.tensors[0].shape.height;
  int64_t height = 1;
  for (const int target : Targets(program, sweep)) {
    const int64_t whole = program.tensors[static_cast<size_t>(target)].shape.height;
    height = std::max(height, whole * rows.end / all - whole * rows.begin / all);
  }
  count = std::clamp<int64_t>(count, 1, height);
  // Edges are fractions of the image's height: (begin + size · i / count) / all. Reduced, since what the
  // tallest image has of them is multiplied by its height.
  const int64_t common = std::gcd(std::gcd(rows.begin, rows.size()), all);
  const auto edge = [&](int64_t i) { return (rows.begin * count + rows.size() * i) / common; };
  std::vector<Strip> strips;
  for (int64_t i = 0; i < count; ++i)
    strips.push_back(MakeStrip(program, sweep, {edge(i), edge(i + 1)}, all / common * count));
  return strips;
}

std::vector<Panel> MakePanels(const Program& program, Range columns, int64_t count, int64_t multiple) {
  const int64_t each = RoundUp(CeilDiv(columns.size(), std::max<int64_t>(count, 1)), multiple);
  std::vector<Panel> panels;
  for (Range owned{columns.begin, 0}; owned.begin < columns.end; owned.begin = owned.end) {
    // From a multiple on, whatever the first column is.
    owned.end = std::min((owned.begin / multiple) * multiple + each, columns.end);
    panels.push_back(MakePanel(program, owned));
  }
  return panels;
}

int64_t DefaultStrips(const Program& program, const Sweep& sweep, Range part) {
  constexpr int64_t kMostStrips = 8;
  // Rows that are read and computed twice. Two strips make it up where there are two processors, and the halo
  // costs less where layers are narrow than where they are wide: its rows at the bottom of the network are
  // few.
  constexpr double kMostRepeated = 0.07, kMostRepeatedByTwo = 0.25;
  const int64_t height = part.size();
  for (int64_t count = kMostStrips; count > 1; count /= 2) {
    int64_t rows = 0;
    const std::vector<Strip> strips = MakeStrips(program, sweep, part, count);
    for (const Strip& strip : strips) rows += strip.rows[0].size();
    if (static_cast<int64_t>(strips.size()) == count &&
        static_cast<double>(rows - height) <=
            (count == 2 ? kMostRepeatedByTwo : kMostRepeated) * static_cast<double>(height)) {
      return count;
    }
  }
  return 1;
}

int64_t DefaultPanels(const Program& program) {
  constexpr int64_t kMostPanels = 8, kLeastColumns = 16384, kLeastHalos = 64;
  const int64_t width = program.tensors[0].shape.width;
  if (width < 2 * kLeastColumns) return 1;
  // At edges that strides divide, as those of panels are: so it does not depend on the width.
  const Range inner{kLeastColumns / 2, kLeastColumns};
  const int64_t halo = MakePanel(program, inner).columns[0].size() - inner.size();
  return std::clamp<int64_t>(width / std::max(kLeastColumns, kLeastHalos * halo), 1, kMostPanels);
}

}  // namespace swath
