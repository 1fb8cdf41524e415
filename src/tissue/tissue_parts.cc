/// Cuts an image into parts around its tissue, by whole rows or columns of a part, as long as that pays.
#include <algorithm>
#include <array>

#include "geometry/window.h"
#include "swath/tissue.h"
#include "tissue/tissue_cells.h"

namespace swath {
namespace {

/// The image in at most kBlocks x kBlocks blocks, whose edges are multiples of some pixels.
class Blocks {
 public:
  static constexpr int64_t kBlocks = 96;

  Blocks(const TissueMap& tissue, const ImagePlace& place, int64_t multiple)
      : width_(place.width),
        height_(place.height),
        across_(RoundUp(CeilDiv(width_, kBlocks), multiple)),
        down_(RoundUp(CeilDiv(height_, kBlocks), multiple)),
        columns_(CeilDiv(width_, across_)),
        rows_(CeilDiv(height_, down_)),
        tissue_(static_cast<size_t>(rows_ * columns_)) {
    const CellAxis x = ColumnsOf(tissue, place), y = RowsOf(tissue, place);
    for (int64_t j = 0; j < y.cells(); ++j) {
      for (int64_t i = 0; i < x.cells(); ++i) {
        if (tissue.cells[static_cast<size_t>((y.first + j) * tissue.width + x.first + i)] == 0) continue;
        Mark({y.edges[static_cast<size_t>(j)], y.edges[static_cast<size_t>(j) + 1]},
             {x.edges[static_cast<size_t>(i)], x.edges[static_cast<size_t>(i) + 1]});
      }
    }
  }

  Part all() const { return {{0, rows_}, {0, columns_}}; }

  /// The smallest part of it that holds its tissue; empty if there is none.
  Part Tight(const Part& part) const {
    Part tight{{part.rows.end, 0}, {part.columns.end, 0}};
    for (int64_t row = part.rows.begin; row < part.rows.end; ++row) {
      for (int64_t column = part.columns.begin; column < part.columns.end; ++column) {
        if (!tissue_[static_cast<size_t>(row * columns_ + column)]) continue;
        tight.rows = {std::min(tight.rows.begin, row), row + 1};
        tight.columns = {std::min(tight.columns.begin, column), std::max(tight.columns.end, column + 1)};
      }
    }
    return tight;
  }

  Part Pixels(const Part& part) const {
    return {{part.rows.begin * down_, std::min(part.rows.end * down_, height_)},
            {part.columns.begin * across_, std::min(part.columns.end * across_, width_)}};
  }

 private:
  void Mark(Range y, Range x) {
    if (y.empty() || x.empty()) return;
    for (int64_t row = y.begin / down_; row <= (y.end - 1) / down_; ++row) {
      for (int64_t column = x.begin / across_; column <= (x.end - 1) / across_; ++column)
        tissue_[static_cast<size_t>(row * columns_ + column)] = true;
    }
  }

  int64_t width_, height_, across_, down_, columns_, rows_;
  std::vector<bool> tissue_;
};

class Cutter {
 public:
  Cutter(const Blocks& blocks, int64_t halo) : blocks_(blocks), halo_(halo) {}

  /// `part` is tight.
  void Cut(const Part& part, std::vector<Part>* parts) const {
    // A part has costs of its own.
    constexpr double kLeastGain = 0.05;
    double best = Cost(part) * (1 - kLeastGain);
    std::array<Part, 2> halves;
    bool pays = false;
    for (Range Part::*side : {&Part::rows, &Part::columns}) {
      for (int64_t at = (part.*side).begin + 1; at < (part.*side).end; ++at) {
        Part first = part, second = part;
        (first.*side).end = (second.*side).begin = at;
        first = blocks_.Tight(first);
        second = blocks_.Tight(second);
        const double cost = Cost(first) + Cost(second);
        if (cost >= best) continue;
        best = cost;
        halves = {first, second};
        pays = true;
      }
    }
    if (!pays) return parts->push_back(blocks_.Pixels(part));
    for (const Part& half : halves) Cut(half, parts);
  }

 private:
  /// Pixels that are computed for it.
  double Cost(const Part& part) const {
    const Part pixels = blocks_.Pixels(part);
    return static_cast<double>(pixels.rows.size() + halo_) *
           static_cast<double>(pixels.columns.size() + halo_);
  }

  const Blocks& blocks_;
  int64_t halo_;
};

}  // namespace

std::vector<Part> PartsOfTissue(const TissueMap& tissue, const ImagePlace& place, int64_t halo,
                                int64_t multiple) {
  const Blocks blocks(tissue, place, multiple);
  std::vector<Part> parts;
  const Part tight = blocks.Tight(blocks.all());
  if (tight.pixels() > 0) Cutter(blocks, halo).Cut(tight, &parts);
  return parts;
}

}  // namespace swath
