/// Outlines grow row by row. Between two rows lie the corners of pixels; at each of them the boundaries of
/// the up to four areas that meet there go on, begin or close. A boundary is walked so that its area lies on
/// its right as seen on a screen, y pointing down.
///
///     a | b        The edges that meet in a corner are up, left, right and down. Each has two sides, each of
///     --+--        which is the boundary of the pixel there, if the pixels differ: up.a and up.b, left.a and
///     c | d        left.c, right.b and right.d, down.c and down.d.
///
/// Walkers with their area on the right come into a corner along up.a, left.c, down.d and right.b, and leave
/// it along left.a, down.c, right.d and up.b.
#include "swath/polygon_tracer.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <unordered_map>
#include <utility>
#include <vector>

#include "annotation/ring_spool.h"
#include "annotation/signed_area.h"

namespace swath {
namespace {

constexpr int32_t kNone = -1;

/// A corner of a walk.
struct Corner {
  int32_t x, y;
  bool touched;  ///< pixels of one label touch here: a walk may pass through it twice
};

/// Corners as lists whose ends can be joined, in one pool.
class CornerLists {
 public:
  struct List {
    int32_t first = kNone;
    int32_t last = kNone;
  };

  List Make(Corner corner) {
    const int32_t node = Take();
    nodes_[static_cast<size_t>(node)] = {corner.x * 2 + corner.touched, corner.y, kNone};
    return {node, node};
  }
  /// `a` and then `b`.
  List Join(List a, List b) {
    nodes_[static_cast<size_t>(a.last)].next = b.first;
    return {a.first, b.last};
  }
  /// Calls use(corner) from the first to the last, and frees the list.
  template <class Use>
  void Drain(List list, const Use& use) {
    for (int32_t node = list.first; node != kNone;) {
      Node& corner = nodes_[static_cast<size_t>(node)];
      use(Corner{corner.x >> 1, corner.y, (corner.x & 1) != 0});
      const int32_t next = std::exchange(corner.next, free_);
      free_ = node;
      node = next;
    }
  }

 private:
  struct Node {
    int32_t x;  ///< twice, and 1 more where it is touched
    int32_t y, next;
  };
  int32_t Take() {
    if (free_ == kNone) {
      nodes_.push_back({});
      return static_cast<int32_t>(nodes_.size()) - 1;
    }
    return std::exchange(free_, nodes_[static_cast<size_t>(free_)].next);
  }

  std::vector<Node> nodes_;
  int32_t free_ = kNone;  ///< the nodes that are not used, as a list
};

/// The rings that a closed walk is, where it passes through a corner more than once.
class RingSplitter {
 public:
  template <class Use>
  void Add(Corner corner, const Use& use) {
    if (corner.touched) {
      const auto [before, first] = at_.insert({Key(corner), open_.size()});
      if (!first) return Cut(before->second, use);
    }
    open_.push_back(corner);
  }
  template <class Use>
  void Finish(const Use& use) {
    Give(0, use);
    open_.clear();
    at_.clear();
  }

 private:
  static uint64_t Key(Corner corner) {
    return static_cast<uint64_t>(corner.x) << 32 | static_cast<uint32_t>(corner.y);
  }
  /// What was walked since the corner at `begin` is a ring; the walk goes on from that corner.
  template <class Use>
  void Cut(size_t begin, const Use& use) {
    Give(begin, use);
    for (size_t i = begin + 1; i < open_.size(); ++i) {
      if (open_[i].touched) at_.erase(Key(open_[i]));
    }
    open_.resize(begin + 1);
  }
  template <class Use>
  void Give(size_t begin, const Use& use) {
    Ring ring;
    ring.reserve(open_.size() - begin);
    for (size_t i = begin; i < open_.size(); ++i)
      ring.push_back({static_cast<double>(open_[i].x), static_cast<double>(open_[i].y)});
    use(std::move(ring));
  }

  std::vector<Corner> open_;
  std::unordered_map<uint64_t, size_t> at_;  ///< where in `open_` the corners lie that are touched
};

/// The first column from `x` on whose label is not `label`, or `end`.
int64_t EndOfRun(const uint8_t* labels, int64_t x, int64_t end, uint8_t label) {
  const uint64_t eight = label * 0x0101010101010101u;
  for (; x + 8 <= end; x += 8) {
    uint64_t there;
    std::memcpy(&there, labels + x, sizeof there);
    if (there != eight) return x + std::countr_zero(there ^ eight) / 8;
  }
  while (x < end && labels[x] == label) ++x;
  return x;
}

class EndedArea final : public TracedArea {
 public:
  EndedArea(uint8_t label, const Ring& outer, RingSpool::List holes, const RingSpool& spool)
      : label_(label), outer_(outer), holes_(holes), spool_(spool) {}

  uint8_t label() const override { return label_; }
  const Ring& outer() const override { return outer_; }
  int64_t holes() const override { return holes_.rings; }
  int64_t hole_corners() const override { return holes_.points; }
  void ForEachHole(const std::function<void(const Ring&)>& use) const override {
    spool_.ForEach(holes_, use);
  }

 private:
  uint8_t label_;
  const Ring& outer_;
  RingSpool::List holes_;
  const RingSpool& spool_;
};

}  // namespace

class PolygonTracer::Impl {
 public:
  Impl(int64_t width, const std::string& beside, Sink sink)
      : width_(width),
        sink_(std::move(sink)),
        above_(static_cast<size_t>(width + 2), uint8_t{0}),
        below_(above_),
        holes_(beside),
        down_(static_cast<size_t>(width + 1)) {}

  void AddRow(const uint8_t* labels) {
    std::copy_n(labels, width_, below_.begin() + 1);
    FindAreas();
    TraceCorners();
    EndAreas();
    std::swap(above_, below_);
    std::swap(runs_above_, runs_below_);
    std::swap(changes_above_, changes_below_);
    ++y_;
  }

  void Finish() {
    const std::vector<uint8_t> nothing(static_cast<size_t>(width_), uint8_t{0});
    AddRow(nothing.data());
  }

 private:
  /// Pixels of one label, side by side.
  struct Run {
    Range columns;
    int32_t area;
  };
  struct AreaState {
    uint8_t label = 0;
    int32_t parent = kNone;  ///< the area that it has become a part of
    int64_t last_row = 0;
    Ring outer = {};
    RingSpool::List holes = {};
  };
  /// A boundary that is not closed yet: from the corner where it was begun, or has been continued to
  /// backwards, to the one that its walker has reached.
  struct Walk {
    CornerLists::List corners;
    int64_t head_at = 0;  ///< the column of corners below which its walker goes down, in `down_`
  };
  /// The walks, by index, that cross an edge: the one that its walker has reached, with its head, and the one
  /// that was begun there, with its tail.
  struct Ends {
    int32_t head = kNone;
    int32_t tail = kNone;
  };

  int32_t Root(int32_t area) const {
    while (areas_[static_cast<size_t>(area)].parent != kNone) area = areas_[static_cast<size_t>(area)].parent;
    return area;
  }

  int32_t NewArea(uint8_t label) {
    int32_t area = static_cast<int32_t>(areas_.size());
    if (free_areas_.empty()) {
      areas_.emplace_back();
    } else {
      area = free_areas_.back();
      free_areas_.pop_back();
    }
    areas_[static_cast<size_t>(area)] = {.label = label, .last_row = y_};
    return area;
  }

  void Unite(int32_t a, int32_t b) {
    AreaState &into = areas_[static_cast<size_t>(a)], &from = areas_[static_cast<size_t>(b)];
    from.parent = a;
    united_.push_back(b);
    holes_.Join(std::exchange(from.holes, {}), &into.holes);
  }

  /// The runs of the new row, each of the area of those above that it touches.
  void FindAreas() {
    runs_below_.clear();
    changes_below_.clear();
    size_t above = 0;
    for (int64_t x = 0; x < width_;) {
      const uint8_t label = below_[static_cast<size_t>(x + 1)];
      const int64_t end = EndOfRun(below_.data() + 1, x + 1, width_, label);
      if (x > 0 || label != 0) changes_below_.push_back(x);
      if (label != 0) {
        Run run{{x, end}, kNone};
        while (above < runs_above_.size() && runs_above_[above].columns.end <= x) ++above;
        for (size_t i = above; i < runs_above_.size() && runs_above_[i].columns.begin < end; ++i) {
          const int32_t touched = Root(runs_above_[i].area);
          if (areas_[static_cast<size_t>(touched)].label != label || touched == run.area) continue;
          if (run.area == kNone) {
            run.area = touched;
          } else {
            Unite(run.area, touched);
          }
        }
        if (run.area == kNone) run.area = NewArea(label);
        runs_below_.push_back(run);
      }
      x = end;
    }
    if (below_[static_cast<size_t>(width_)] != 0) changes_below_.push_back(width_);
    for (Run& run : runs_below_) {
      run.area = Root(run.area);
      areas_[static_cast<size_t>(run.area)].last_row = y_;
    }
  }

  int32_t NewWalk(CornerLists::List corner) {
    int32_t walk = static_cast<int32_t>(walks_.size());
    if (free_walks_.empty()) {
      walks_.emplace_back();
    } else {
      walk = free_walks_.back();
      free_walks_.pop_back();
    }
    walks_[static_cast<size_t>(walk)].corners = corner;
    return walk;
  }
  void Append(int32_t walk, CornerLists::List corner) {
    Walk& w = walks_[static_cast<size_t>(walk)];
    w.corners = lists_.Join(w.corners, corner);
  }
  void Prepend(int32_t walk, CornerLists::List corner) {
    Walk& w = walks_[static_cast<size_t>(walk)];
    w.corners = lists_.Join(corner, w.corners);
  }
  /// The head of one walk meets the tail of another, or its own.
  void Meet(int32_t head, int32_t tail, int32_t area) {
    Walk &first = walks_[static_cast<size_t>(head)], &second = walks_[static_cast<size_t>(tail)];
    free_walks_.push_back(tail);
    if (head == tail) return Close(first.corners, area);
    first.corners = lists_.Join(first.corners, second.corners);
    first.head_at = second.head_at;
    down_[static_cast<size_t>(second.head_at)].head = head;
  }

  void Close(CornerLists::List corners, int32_t area) {
    AreaState& state = areas_[static_cast<size_t>(Root(area))];
    const auto give = [&](Ring ring) {
      if (SignedArea(ring) > 0) {
        state.outer = std::move(ring);
      } else {
        holes_.Append(ring, &state.holes);
      }
    };
    lists_.Drain(corners, [&](Corner corner) { splitter_.Add(corner, give); });
    splitter_.Finish(give);
  }

  /// The row of corners above row y_.
  void TraceCorners() {
    Ends across;  // the edge to the left of the corner: `head` on its lower side, `tail` on its upper one
    size_t above = 0, below = 0;
    auto change_above = changes_above_.begin(), change_below = changes_below_.begin();
    while (change_above != changes_above_.end() || change_below != changes_below_.end()) {
      const int64_t next_above = change_above != changes_above_.end() ? *change_above : width_,
                    next_below = change_below != changes_below_.end() ? *change_below : width_,
                    x = std::min(next_above, next_below);
      change_above += change_above != changes_above_.end() && *change_above == x;
      change_below += change_below != changes_below_.end() && *change_below == x;
      const auto at = static_cast<size_t>(x);
      const uint8_t a = above_[at], b = above_[at + 1], c = below_[at], d = below_[at + 1];
      while (above < runs_above_.size() && runs_above_[above].columns.end < x) ++above;
      while (below < runs_below_.size() && runs_below_[below].columns.end < x) ++below;
      const Ends up = std::exchange(down_[at], {}), left = std::exchange(across, {});
      const auto corner = [&] {
        const bool touched = a != b && a != c && d != b && d != c && (a == d || b == c);
        return lists_.Make({static_cast<int32_t>(x), static_cast<int32_t>(y_), touched});
      };
      const auto go_down = [&](int32_t walk) {
        walks_[static_cast<size_t>(walk)].head_at = x;
        down_[at].head = walk;
      };
      if (a != b && a != 0) {  // comes along up.a
        if (a == c && c != d) {
          go_down(up.head);
        } else {
          Append(up.head, corner());
          if (a != c) {
            Meet(up.head, left.tail, runs_above_[above].area);
          } else {
            across.head = up.head;
          }
        }
      }
      if (c != a && c != 0) {  // along left.c
        if (c == d && d != b) {
          across.head = left.head;
        } else {
          Append(left.head, corner());
          if (c != d) {
            go_down(left.head);
          } else {
            Meet(left.head, up.tail, runs_below_[below].area);
          }
        }
      }
      if (d != c && d != 0) {  // along down.d, from where nobody has been
        if (d != b) {
          down_[at].tail = across.head = NewWalk(corner());
        } else if (b != a) {
          down_[at].tail = up.tail;
        } else {
          Prepend(left.tail, corner());
          down_[at].tail = left.tail;
        }
      }
      if (b != d && b != 0) {  // along right.b, too
        if (b != a) {
          Prepend(up.tail, corner());
          across.tail = up.tail;
        } else if (a != c) {
          across.tail = left.tail;
        } else {
          across.tail = NewWalk(corner());
          go_down(across.tail);
        }
      }
    }
  }

  /// Hands out the areas that the new row does not touch.
  void EndAreas() {
    for (const Run& run : runs_above_) {
      const int32_t area = Root(run.area);
      AreaState& state = areas_[static_cast<size_t>(area)];
      if (state.last_row == y_ || state.label == 0) continue;
      sink_(EndedArea(state.label, state.outer, state.holes, holes_));
      holes_.Free(state.holes);
      state = {};
      free_areas_.push_back(area);
    }
    // Nothing refers to them any more: the runs below have their roots.
    free_areas_.insert(free_areas_.end(), united_.begin(), united_.end());
    united_.clear();
  }

  int64_t width_;
  Sink sink_;
  int64_t y_ = 0;                       ///< of the row below the corners
  std::vector<uint8_t> above_, below_;  ///< with a pixel of nothing on either side
  std::vector<Run> runs_above_, runs_below_;
  std::vector<int64_t> changes_above_, changes_below_;  ///< the corners between pixels that differ
  std::vector<AreaState> areas_;
  std::vector<int32_t> free_areas_;
  std::vector<int32_t> united_;  ///< with others, in this row
  RingSpool holes_;
  CornerLists lists_;
  RingSplitter splitter_;
  std::vector<Walk> walks_;
  std::vector<int32_t> free_walks_;
  std::vector<Ends> down_;  ///< the edges below the corners, by column
};

Polygon TracedArea::ToPolygon() const {
  Polygon polygon = {.outer = outer(), .holes = {}};
  ForEachHole([&](const Ring& hole) { polygon.holes.push_back(hole); });
  return polygon;
}

PolygonTracer::PolygonTracer(int64_t width, const std::string& beside, Sink sink)
    : impl_(std::make_unique<Impl>(width, beside, std::move(sink))) {}
PolygonTracer::~PolygonTracer() = default;
void PolygonTracer::AddRow(const uint8_t* labels) { impl_->AddRow(labels); }
void PolygonTracer::Finish() { impl_->Finish(); }

}  // namespace swath
