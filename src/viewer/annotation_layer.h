/// Annotations as a page draws them: what is in view, no finer than it can be seen.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "swath/annotation.h"

namespace swath::viewer {

/// A part of a slide on a screen.
struct View {
  Box box;           ///< in level-0 pixels
  double pixel = 1;  ///< level-0 pixels a pixel of the screen
};

/// Immutable; any thread may call any method at any time.
class AnnotationLayer {
 public:
  explicit AnnotationLayer(Annotations annotations);

  struct Class {
    std::string name;
    std::array<uint8_t, 3> colour{};  ///< RGB
    int64_t areas = 0;
  };

  const std::vector<Class>& classes() const { return classes_; }
  /// What has no area is not shown: how many there are.
  int64_t without_area() const;

  /// JSON: {"areas": [[class, name, ring, hole, …], …], "dots": [[x, y, …] of class 0, …]}, rings as [x, y,
  /// …] in level-0 pixels. Areas too small to have a shape are dots, one a pixel of the screen; outside of
  /// the view outlines are cut short.
  std::string Seen(const View& view) const;

 private:
  struct Shape {
    const Annotation* area;
    const Polygon* polygon;
    Box box;
    size_t class_index;
  };

  size_t ClassIndex(const Annotation& area);

  Annotations annotations_;
  std::vector<Class> classes_;
  std::vector<Shape> shapes_;  ///< in the file's order
};

}  // namespace swath::viewer
