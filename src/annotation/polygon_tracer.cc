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
#include <iterator>
#include <unordered_map>
#include <utility>
#include <vector>

#include "annotation/signed_area.h"

namespace swath {
namespace {

constexpr int32_t kNone = -1;

/// Corners as lists whose ends can be joined, in one pool.
class CornerLists {
 public:
  struct List {
    int32_t first = kNone;
    int32_t last = kNone;
  };

  List Make(int32_t x, int32_t y) {
    const int32_t node = Take();
    nodes_[static_cast<size_t>(node)] = {x, y, kNone};
    return {node, node};
  }
  /// `a` and then `b`.
  List Join(List a, List b) {
    nodes_[static_cast<size_t>(a.last)].next = b.first;
    return {a.first, b.last};
  }
  /// Frees the list.
  Ring ToRing(List list) {
    Ring ring;
    for (int32_t node = list.first; node != kNone;) {
      Node& corner = nodes_[static_cast<size_t>(node)];
      ring.push_back({static_cast<double>(corner.x), static_cast<double>(corner.y)});
      const int32_t next = std::exchange(corner.next, free_);
      free_ = node;
      node = next;
    }
    return ring;
  }

 private:
  struct Node {
    int32_t x, y, next;
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
std::vector<Ring> SplitWhereItTouches(Ring walk) {
  struct Hash {
    size_t operator()(const Point& p) const {
      return std::hash<double>()(p.x) * 31 + std::hash<double>()(p.y);
    }
  };
  std::vector<Ring> rings;
  Ring open;
  std::unordered_map<Point, size_t, Hash> at;
  for (const Point& p : walk) {
    const auto [before, first] = at.insert({p, open.size()});
    if (!first) {
      const auto begin = open.begin() + static_cast<int64_t>(before->second);
      Ring ring(begin, open.end());
      for (size_t i = 1; i < ring.size(); ++i) at.erase(ring[i]);
      open.erase(begin + 1, open.end());
      rings.push_back(std::move(ring));
      continue;
    }
    open.push_back(p);
  }
  rings.push_back(std::move(open));
  return rings;
}

}  // namespace

class PolygonTracer::Impl {
 public:
  Impl(int64_t width, Sink sink)
      : width_(width),
        sink_(std::move(sink)),
        above_(static_cast<size_t>(width + 2), uint8_t{0}),
        below_(above_),
        down_(static_cast<size_t>(width + 1)) {}

  void AddRow(const uint8_t* labels) {
    std::copy_n(labels, width_, below_.begin() + 1);
    FindAreas();
    TraceCorners();
    EndAreas();
    std::swap(above_, below_);
    std::swap(runs_above_, runs_below_);
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
    Polygon polygon = {};
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
    // The fewer are moved.
    if (into.polygon.holes.size() < from.polygon.holes.size()) std::swap(into.polygon, from.polygon);
    std::move(from.polygon.holes.begin(), from.polygon.holes.end(), std::back_inserter(into.polygon.holes));
    from.polygon = {};
  }

  /// The runs of the new row, each of the area of those above that it touches.
  void FindAreas() {
    runs_below_.clear();
    size_t above = 0;
    for (int64_t x = 0; x < width_;) {
      const uint8_t label = below_[static_cast<size_t>(x + 1)];
      int64_t end = x + 1;
      while (end < width_ && below_[static_cast<size_t>(end + 1)] == label) ++end;
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
    Polygon& polygon = areas_[static_cast<size_t>(Root(area))].polygon;
    for (Ring& ring : SplitWhereItTouches(lists_.ToRing(corners))) {
      if (SignedArea(ring) > 0) {
        polygon.outer = std::move(ring);
      } else {
        polygon.holes.push_back(std::move(ring));
      }
    }
  }

  /// The row of corners above row y_.
  void TraceCorners() {
    Ends across;  // the edge to the left of the corner: `head` on its lower side, `tail` on its upper one
    size_t above = 0, below = 0;
    for (int64_t x = 0; x <= width_; ++x) {
      const auto at = static_cast<size_t>(x);
      const uint8_t a = above_[at], b = above_[at + 1], c = below_[at], d = below_[at + 1];
      if (a == b && c == d && a == c) continue;
      while (above < runs_above_.size() && runs_above_[above].columns.end < x) ++above;
      while (below < runs_below_.size() && runs_below_[below].columns.end < x) ++below;
      const Ends up = std::exchange(down_[at], {}), left = std::exchange(across, {});
      const auto corner = [&] { return lists_.Make(static_cast<int32_t>(x), static_cast<int32_t>(y_)); };
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
      sink_(std::exchange(state.label, uint8_t{0}), std::move(state.polygon));
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
  std::vector<AreaState> areas_;
  std::vector<int32_t> free_areas_;
  std::vector<int32_t> united_;  ///< with others, in this row
  CornerLists lists_;
  std::vector<Walk> walks_;
  std::vector<int32_t> free_walks_;
  std::vector<Ends> down_;  ///< the edges below the corners, by column
};

PolygonTracer::PolygonTracer(int64_t width, Sink sink)
    : impl_(std::make_unique<Impl>(width, std::move(sink))) {}
PolygonTracer::~PolygonTracer() = default;
void PolygonTracer::AddRow(const uint8_t* labels) { impl_->AddRow(labels); }
void PolygonTracer::Finish() { impl_->Finish(); }

}  // namespace swath
