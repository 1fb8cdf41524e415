/// The graph made ready for rows: what the schedule, the plan and the streaming engine work on.
///
/// Things that a graph spells out and that cost nothing here: picking channels is a list of parts that a
/// kernel sees as one source; an activation runs in place on the row that its only source has just written;
/// and a normalisation of the input is applied while samples become numbers, so that the long window of input
/// rows stays as it was read.
///
/// Tensors are streamed, or in core. A reduction leads from the first to the second; a row op may read both.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "layers/layer.h"
#include "swath/graph.h"

namespace swath {

/// A part of a kernel's source: some channels of a streamed tensor, or of the input seen through a view.
struct SourcePart {
  int tensor = 0;
  int view = -1;  ///< index into Program::views where tensor is the input, else -1
  Range channels;
};

/// The input seen through scale · sample + shift, by channel. Doubles, since the product of two of the
/// graph's floats need not be one.
struct InputView {
  std::vector<double> scale;
  std::vector<double> shift;
  /// The same for float32, as (sample - zero) · scale: that keeps the digits of samples near the zero point,
  /// which sample · scale + shift would lose.
  std::vector<float> float_zero;
  std::vector<float> float_scale;
};

/// A source of an op.
struct OpSource {
  std::vector<SourcePart> parts;  ///< empty for a source in core
  int core = -1;                  ///< index of a core tensor; -1 for a streamed source

  bool streamed() const { return core < 0; }
};

/// An op on rows: a row layer, or a reduction, which looks at rows and writes none.
struct Op {
  std::string name;
  const RowLayer* layer = nullptr;            ///< null for a reduction
  const ReductionLayer* reduction = nullptr;  ///< null for a row layer
  const Activation* activation = nullptr;     ///< applied in place to every row of dst, or null
  std::vector<OpSource> srcs;
  int dst = 0;      ///< of a reduction a tensor of the source's size without channels, which counts its rows
  int result = -1;  ///< of a reduction: the core tensor
  std::vector<int> parameters;  ///< indices into the graph's
  Window rows, columns;
  int64_t rows_at_once = 1;  ///< of dst, as RowLayer says
  /// A row of its source's gradient is made in one piece, when all rows of dst that read it have gone back;
  /// it is not added to row by row. No other op reads the source.
  bool pulls = false;
  bool trains = false;    ///< some parameter is trainable
  bool backward = false;  ///< trains, or some source needs a gradient

  /// The streamed sources have one height and one width; this is a part of one.
  const SourcePart& any_part() const {
    size_t i = 0;
    while (!srcs[i].streamed()) ++i;
    return srcs[i].parts[0];
  }
  bool reads_src_backward() const {
    return layer ? layer->backward_reads().src : reduction->backward_reads().src;
  }
  /// The rows of dst from y on that are computed at once, before `end`. Those of a transposed convolution are
  /// grouped by the source row at which their windows end.
  Range Block(int64_t y, int64_t end) const {
    const int64_t shift = rows.kind == Window::Kind::kScatter ? rows.pad_begin : 0;
    return {y, std::min(end, RoundUp(y + 1 + shift, rows_at_once) - shift)};
  }
};

/// A node whose sources are all in core.
struct CoreOp {
  std::string name;
  const Layer* layer = nullptr;
  std::vector<int> srcs;  ///< core tensors
  int dst = 0;
  std::vector<int> parameters;
  bool backward = false;
};

struct ProgramTensor {
  std::string name;
  Shape shape;
  bool needs_gradient = false;
};

struct CoreTensor {
  std::string name;
  Shape shape;
  bool needs_gradient = false;
};

/// Holds pointers into the graph's layers; the graph must outlive it.
struct Program {
  std::vector<ProgramTensor> tensors;  ///< tensor 0 is the input
  std::vector<Op> ops;                 ///< in topological order
  std::vector<CoreTensor> cores;
  std::vector<CoreOp> core_ops;  ///< in topological order
  std::vector<InputView> views;
  int output = -1;       ///< the streamed tensor that is the output, or -1
  int core_output = -1;  ///< the core tensor that is the output, or -1

  /// The ops that read a tensor, in order, each once.
  std::vector<std::vector<int>> readers;
  /// The op that writes a tensor; -1 for the input.
  std::vector<int> writer;

  const Shape& output_shape() const {
    return output >= 0 ? tensors[static_cast<size_t>(output)].shape
                       : cores[static_cast<size_t>(core_output)].shape;
  }
};

/// For an image of width × height (already extended). Throws as InferShapes does, and Error (kUnsupported)
/// for an output that is the input itself.
Program Lower(const Graph& graph, int64_t width, int64_t height);

}  // namespace swath
