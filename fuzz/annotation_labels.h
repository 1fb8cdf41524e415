/// Annotations from a file, and labels of a small image from them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "swath/annotation.h"

namespace swath {

/// Throws Error where the file is no annotations, or none of this slide.
inline std::vector<uint8_t> ReadLabels(const std::string& path) {
  constexpr int64_t kWidth = 64, kHeight = 48;
  const SlideInfo slide{.path = "slide.ndpi",
                        .levels = {{.width = kWidth, .height = kHeight}},
                        .mpp_x = 0.5,
                        .mpp_y = 0.25,
                        .centre_offset = {{500, 1000}},
                        .bounds = {8, 4, 40, 40}};
  const Annotations read = ReadAnnotations(path, &slide);
  LabelRules rules;
  for (const std::string& name : read.Classes()) {
    const auto count = static_cast<uint8_t>(rules.classes.size() + 1);
    rules.classes[name] = {.kind = static_cast<LabelRule::Kind>(count % 3), .label = count};
  }
  const auto rows = OpenAnnotationLabels(read, rules,
                                         {.width = kWidth,
                                          .height = kHeight,
                                          .slide_width = kWidth,
                                          .slide_height = kHeight,
                                          .region = {0, 0, kWidth, kHeight}});
  std::vector<uint8_t> labels(static_cast<size_t>(kWidth * kHeight));
  rows->Read({0, kHeight}, labels.data());
  return labels;
}

}  // namespace swath
