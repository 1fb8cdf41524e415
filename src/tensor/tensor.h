/// A whole tensor in memory, for the reference engine.
#pragma once

#include <cstdint>
#include <vector>

#include "swath/graph.h"

namespace swath {

/// Layout [channel, row, column], double.
struct Tensor {
  Shape shape;
  std::vector<double> values;

  Tensor() = default;
  explicit Tensor(Shape s) : shape(s), values(static_cast<size_t>(s.size()), 0.0) {}

  double* Row(int64_t channel, int64_t row) {
    return values.data() + (channel * shape.height + row) * shape.width;
  }
  const double* Row(int64_t channel, int64_t row) const {
    return values.data() + (channel * shape.height + row) * shape.width;
  }
  bool empty() const { return values.empty(); }
};

}  // namespace swath
