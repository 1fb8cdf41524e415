/// Everything about a step that does not depend on weights or pixels: program, sweeps, strips, panels, plan.
#pragma once

#include <memory>
#include <vector>

#include "engine/program.h"
#include "engine/strip.h"
#include "engine/sweep.h"
#include "swath/plan.h"
#include "tensor/bfloat16.h"
#include "tensor/row_ring.h"

namespace swath {

/// Rows of a tensor that an op reads converted to what it computes with: those of the input through a view,
/// and others that are kept as BFloat16. The forward and the backward front are far apart, so each has its
/// own few rows; but the op of the output goes back over rows as soon as it has computed them.
struct ViewUse {
  int op = 0;
  int tensor = 0;
  int view = -1;                           ///< as in SourcePart
  bool forward = false, backward = false;  ///< for which of them, or both
  int64_t capacity = 0;                    ///< rows of the op's window
};

struct Prepared {
  Program program;
  Sweeps sweeps;
  std::vector<Part> parts;  ///< of the image, for which it is computed; most often all of it
  std::vector<Panel> panels;
  std::vector<ViewUse> views;
  Plan plan;
  /// By tensor, whether its values are kept as BFloat16. With Precision::kBFloat16 all are rounded, but where
  /// few rows are alive those that its readers had to convert would be more; so they stay what they are.
  std::vector<bool> compact;

  /// By parameter of the graph, the number of values of its gradient; 0 where none is wanted.
  std::vector<int64_t> gradient_sizes;

  /// The largest states of reductions that one sweep has, in doubles.
  int64_t state_size = 0;
  /// Where the state of an op, a reduction, begins among those of all; and their size.
  std::vector<int64_t> state_offsets;

  std::vector<Shape> SourceShapes(const Op& op) const;

  /// Prediction: rows are not whole until all panels are done.
  bool spools() const { return panels.size() > 1 || plan.parts > 0; }
};

/// The kernels of one panel, and the layouts of the rings that go with them.
template <class T>
struct PanelKernels {
  const Panel* panel = nullptr;
  std::vector<std::unique_ptr<RowKernel<T>>> kernels;  ///< by op; null for a reduction
  std::vector<int64_t> margins;                        ///< by tensor: zeros left and right of every row

  /// Of a ring for rows of a tensor, of values or gradients, kept as Value.
  template <class Value>
  typename RowRing<Value>::Layout Layout(const Prepared& prepared, int tensor, int64_t capacity) const {
    return {.capacity = capacity,
            .channels = prepared.plan.tensors[static_cast<size_t>(tensor)].shape.channels,
            .width = panel->columns[static_cast<size_t>(tensor)].size(),
            .margin = margins[static_cast<size_t>(tensor)]};
  }
  RowRing<uint8_t>::Layout InputLayout(const Prepared& prepared) const;
  /// Where rows of compact tensors are computed, those of one op at a time, and a channel of one is converted
  /// back for an activation.
  int64_t WrittenValues(const Prepared& prepared) const;
};

/// `first`, where given, receives the kernels of the first panel, which planning makes anyhow.
template <class T>
Prepared Prepare(const Graph& graph, const Objective& objective, int64_t width, int64_t height,
                 const PlanOptions& options, PanelKernels<T>* first = nullptr);

template <class T>
PanelKernels<T> MakePanelKernels(const Prepared& prepared, const Panel& panel, bool backward);

}  // namespace swath
