/// Annotations as rows of labels: the edges of all rings, sorted by the row in which they begin, and for each
/// row the crossings of those that are there.
#include <algorithm>
#include <cassert>
#include <cmath>
#include <map>
#include <utility>

#include "base/error.h"
#include "swath/annotation.h"

namespace swath {
namespace {

/// Where a ring passes from one side of row centres to the other: rows [first, end) of the image.
struct Edge {
  int32_t first;
  int32_t end;
  Point top;     ///< in pixels of the image
  Point reach;   ///< from there to the bottom
  int32_t ring;  ///< 0 for the outer one of its polygon, then the holes
  int32_t turn;  ///< 1 downwards, -1 upwards
};

/// One polygon.
struct Shape {
  bool region;    ///< outside all of these nothing counts
  uint8_t label;  ///< of its pixels, where it is no region
  Range rows;     ///< of the image, that it reaches
  Range edges;    ///< in Outlines::edges, by first row
  int32_t rings;
};

/// All polygons in an image, as they are painted one over the other; the same for all threads.
struct Outlines {
  std::string name;
  int64_t width = 0;
  int64_t height = 0;
  uint8_t elsewhere = 0;
  uint8_t ignore = 0;
  bool regions = false;  ///< whether there are any
  std::vector<Edge> edges;
  std::vector<Shape> shapes;
  std::vector<int32_t> by_first_row;  ///< indices of shapes

  int64_t bytes() const {
    return static_cast<int64_t>(edges.size() * sizeof(Edge) + shapes.size() * sizeof(Shape) +
                                by_first_row.size() * sizeof(int32_t));
  }
};

class OutlinesBuilder {
 public:
  explicit OutlinesBuilder(const ImagePlace& place) : place_(place) {}

  void Add(const Polygon& polygon, bool region, uint8_t label, Outlines* outlines) const {
    std::vector<Edge>& edges = outlines->edges;
    const size_t begin = edges.size();
    AddRing(polygon.outer, 0, &edges);
    int32_t rings = 1;
    for (const Ring& hole : polygon.holes) AddRing(hole, rings++, &edges);
    if (edges.size() == begin) return;
    std::sort(edges.begin() + static_cast<int64_t>(begin), edges.end(),
              [](const Edge& a, const Edge& b) { return a.first < b.first; });
    Range rows;
    for (size_t i = begin; i < edges.size(); ++i) rows = Hull(rows, {edges[i].first, edges[i].end});
    outlines->shapes.push_back(
        {region, label, rows, Range{static_cast<int64_t>(begin), static_cast<int64_t>(edges.size())}, rings});
  }

 private:
  Point ToImage(Point p) const {
    const Region& r = place_.region;
    return {
        (p.x - static_cast<double>(r.x)) * static_cast<double>(place_.width) / static_cast<double>(r.width),
        (p.y - static_cast<double>(r.y)) * static_cast<double>(place_.height) /
            static_cast<double>(r.height)};
  }

  /// The first row of the image whose centre is not above y.
  int64_t RowFrom(double y) const {
    return static_cast<int64_t>(std::clamp(std::ceil(y - 0.5), 0.0, static_cast<double>(place_.height)));
  }

  void AddRing(const Ring& ring, int32_t index, std::vector<Edge>* edges) const {
    for (size_t i = 0; i < ring.size(); ++i) {
      const Point from = ToImage(ring[i]), to = ToImage(ring[(i + 1) % ring.size()]);
      const bool down = from.y < to.y;
      const Point &top = down ? from : to, &bottom = down ? to : from;
      const int64_t first = RowFrom(top.y), end = RowFrom(bottom.y);
      if (first == end) continue;
      edges->push_back({static_cast<int32_t>(first),
                        static_cast<int32_t>(end),
                        top,
                        {bottom.x - top.x, bottom.y - top.y},
                        index,
                        down ? 1 : -1});
    }
  }

  const ImagePlace& place_;
};

class AnnotationRows final : public RowSource {
 public:
  /// `bytes` is what buffer_bytes() says of what clones share.
  AnnotationRows(std::shared_ptr<const Outlines> outlines, int64_t bytes)
      : outlines_(std::move(outlines)), shared_bytes_(bytes) {
    if (outlines_->regions) inside_.resize(static_cast<size_t>(outlines_->width));
  }

  int64_t width() const override { return outlines_->width; }
  int64_t height() const override { return outlines_->height; }
  int64_t channels() const override { return 1; }
  int64_t natural_rows() const override { return 1; }
  /// What crosses a row is taken to be no more than all that there is.
  int64_t buffer_bytes() const override {
    return shared_bytes_ + static_cast<int64_t>(inside_.size() + outlines_->edges.size() * sizeof(int32_t));
  }
  const std::string& name() const override { return outlines_->name; }
  std::unique_ptr<RowSource> Clone() const override { return std::make_unique<AnnotationRows>(outlines_, 0); }

  void Read(Range rows, uint8_t* dst) override {
    assert(0 <= rows.begin && rows.end <= height());
    for (int64_t y = rows.begin; y < rows.end; ++y, dst += width()) {
      MoveTo(y);
      PaintRow(dst);
    }
  }

 private:
  /// A polygon that is in the current row, and its edges that are.
  struct Active {
    int64_t next_edge = 0;
    std::vector<int32_t> edges = {};
  };
  struct Crossing {
    double x;
    int32_t ring;
    int32_t turn;
  };

  /// Makes `active_` what is in row y, from that of the row above or anew.
  void MoveTo(int64_t y) {
    if (y != y_ + 1) {
      active_.clear();
      next_shape_ = 0;
    }
    y_ = y;
    const auto& order = outlines_->by_first_row;
    for (; next_shape_ < order.size(); ++next_shape_) {
      const int32_t index = order[next_shape_];
      const Shape& shape = outlines_->shapes[static_cast<size_t>(index)];
      if (shape.rows.begin > y) break;
      if (y < shape.rows.end) active_.insert({index, {.next_edge = shape.edges.begin}});
    }
    for (auto i = active_.begin(); i != active_.end();) {
      const Shape& shape = outlines_->shapes[static_cast<size_t>(i->first)];
      if (y < shape.rows.end) {
        MoveTo(y, shape, &i->second);
        ++i;
      } else {
        i = active_.erase(i);
      }
    }
  }

  void MoveTo(int64_t y, const Shape& shape, Active* active) const {
    std::erase_if(active->edges, [&](int32_t e) { return At(e).end <= y; });
    for (; active->next_edge < shape.edges.end; ++active->next_edge) {
      const Edge& edge = At(active->next_edge);
      if (edge.first > y) break;
      if (y < edge.end) active->edges.push_back(static_cast<int32_t>(active->next_edge));
    }
  }

  const Edge& At(int64_t edge) const { return outlines_->edges[static_cast<size_t>(edge)]; }

  void PaintRow(uint8_t* row) {
    std::fill_n(row, width(), outlines_->elsewhere);
    std::fill(inside_.begin(), inside_.end(), uint8_t{0});
    for (const auto& [index, active] : active_) {
      const Shape& shape = outlines_->shapes[static_cast<size_t>(index)];
      uint8_t* to = shape.region ? inside_.data() : row;
      const uint8_t value = shape.region ? 1 : shape.label;
      ForSpans(shape, active, [&](Range x) { std::fill_n(to + x.begin, x.size(), value); });
    }
    for (size_t x = 0; x < inside_.size(); ++x) row[x] = inside_[x] ? row[x] : outlines_->ignore;
  }

  /// f(columns) for those whose centres the shape holds.
  template <class F>
  void ForSpans(const Shape& shape, const Active& active, F&& f) {
    crossings_.clear();
    for (const int32_t e : active.edges) {
      const Edge& edge = At(e);
      // A product before the quotient: exact where a centre lies on an edge between whole numbers.
      const double x =
          edge.top.x + (static_cast<double>(y_) + 0.5 - edge.top.y) * edge.reach.x / edge.reach.y;
      crossings_.push_back({x, edge.ring, edge.turn});
    }
    std::sort(crossings_.begin(), crossings_.end(),
              [](const Crossing& a, const Crossing& b) { return a.x < b.x; });
    windings_.assign(static_cast<size_t>(shape.rings), 0);
    int64_t holes = 0, begin = 0;
    bool inside = false;
    for (const Crossing& crossing : crossings_) {
      int32_t& winding = windings_[static_cast<size_t>(crossing.ring)];
      const bool was = winding != 0;
      winding += crossing.turn;
      if (crossing.ring > 0) holes += (winding != 0) - was;
      const bool now = windings_[0] != 0 && holes == 0;
      if (now == inside) continue;
      // The first column whose centre is not left of the crossing.
      const auto column = static_cast<int64_t>(
          std::clamp(std::ceil(crossing.x - 0.5), 0.0, static_cast<double>(outlines_->width)));
      if (inside && begin < column) f({begin, column});
      begin = column;
      inside = now;
    }
  }

  std::shared_ptr<const Outlines> outlines_;
  int64_t shared_bytes_;
  int64_t y_ = -2;
  size_t next_shape_ = 0;             ///< in by_first_row: the first that begins below row y_
  std::map<int32_t, Active> active_;  ///< by index: in the order in which they are painted
  std::vector<Crossing> crossings_;
  std::vector<int32_t> windings_;  ///< by ring
  std::vector<uint8_t> inside_;    ///< of regions, where there are any
};

std::string Quoted(const std::string& name) { return name.empty() ? "no class" : "'" + name + "'"; }

/// Every class of the annotations needs a rule; one without a rule is more often misspelt than meant.
void CheckRules(const Annotations& annotations, const LabelRules& rules) {
  std::map<std::string, int64_t> unknown;
  for (const Annotation& area : annotations.areas) {
    if (!rules.classes.contains(area.class_name)) ++unknown[area.class_name];
  }
  if (unknown.empty()) return;
  std::string list;
  for (const auto& [name, count] : unknown)
    list += fmt::format("{}{} ({} {})", list.empty() ? "" : ", ", Quoted(name), count,
                        count == 1 ? "area" : "areas");
  std::string known;
  for (const auto& [name, rule] : rules.classes)
    known += fmt::format("{}{}", known.empty() ? "" : ", ", Quoted(name));
  Fail(ErrorCode::kInput, "{}: areas of classes that nothing is said about: {}; known: {}", annotations.path,
       list, known.empty() ? "none" : known);
}

/// Annotations of another slide would be labels of nothing.
void CheckPlace(const Annotations& annotations, const ImagePlace& place) {
  if (annotations.areas.empty()) return;
  for (const Annotation& area : annotations.areas) {
    for (const Polygon& polygon : area.polygons) {
      const auto [least, most] = BoxAround(polygon.outer);
      if (most.x > 0 && most.y > 0 && least.x < static_cast<double>(place.slide_width) &&
          least.y < static_cast<double>(place.slide_height))
        return;
    }
  }
  Fail(ErrorCode::kInput, "{}: every area lies outside of the slide, {}x{} px: are these of another one?",
       annotations.path, place.slide_width, place.slide_height);
}

}  // namespace

std::unique_ptr<RowSource> OpenAnnotationLabels(const Annotations& annotations, const LabelRules& rules,
                                                const ImagePlace& place) {
  CheckRules(annotations, rules);
  CheckPlace(annotations, place);
  Outlines outlines{.name = annotations.path,
                    .width = place.width,
                    .height = place.height,
                    .elsewhere = rules.elsewhere,
                    .ignore = rules.ignore};
  const OutlinesBuilder builder(place);
  // What is ignored covers all labels.
  for (const auto kind : {LabelRule::Kind::kLabel, LabelRule::Kind::kRegion, LabelRule::Kind::kIgnore}) {
    for (const Annotation& area : annotations.areas) {
      const LabelRule& rule = rules.classes.at(area.class_name);
      if (rule.kind != kind) continue;
      const bool region = kind == LabelRule::Kind::kRegion;
      const uint8_t label = kind == LabelRule::Kind::kIgnore ? rules.ignore : rule.label;
      outlines.regions = outlines.regions || region;
      for (const Polygon& polygon : area.polygons) builder.Add(polygon, region, label, &outlines);
    }
  }
  for (size_t i = 0; i < outlines.shapes.size(); ++i)
    outlines.by_first_row.push_back(static_cast<int32_t>(i));
  std::stable_sort(outlines.by_first_row.begin(), outlines.by_first_row.end(), [&](int32_t a, int32_t b) {
    return outlines.shapes[static_cast<size_t>(a)].rows.begin <
           outlines.shapes[static_cast<size_t>(b)].rows.begin;
  });
  const int64_t bytes = outlines.bytes();
  return std::make_unique<AnnotationRows>(std::make_shared<const Outlines>(std::move(outlines)), bytes);
}

}  // namespace swath
