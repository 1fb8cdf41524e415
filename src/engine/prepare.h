/// Everything about a step that does not depend on weights or pixels: program, kernels, strips, plan.
#pragma once

#include <memory>
#include <vector>

#include "engine/program.h"
#include "engine/strip.h"
#include "swath/plan.h"
#include "tensor/row_ring.h"

namespace swath {

/// Rows of the input that an op reads through a view, converted to numbers. The forward and the backward
/// front are far apart, so each has its own few rows.
struct ViewUse {
  int op = 0;
  int view = 0;
  bool backward = false;
  int64_t capacity = 0;  ///< rows of the op's window
};

template <class T>
struct Prepared {
  Program program;
  std::vector<std::unique_ptr<RowKernel<T>>> kernels;  ///< by op
  std::vector<Strip> strips;
  std::vector<ViewUse> views;
  Plan plan;

  typename RowRing<T>::Layout ValueLayout(int tensor) const;
  typename RowRing<T>::Layout GradientLayout(int tensor) const;
  typename RowRing<T>::Layout ViewLayout(const ViewUse& use) const;
  RowRing<uint8_t>::Layout InputLayout() const;
  /// Number of values of the trainable parameters, in one gradient buffer.
  int64_t gradient_size = 0;
  /// Where each parameter begins in it; -1 for those that are not trainable.
  std::vector<int64_t> gradient_offsets;
};

template <class T>
Prepared<T> Prepare(const Graph& graph, const Loss* loss, int64_t width, int64_t height,
                    const PlanOptions& options);

}  // namespace swath
