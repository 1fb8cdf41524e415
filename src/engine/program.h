/// The graph made ready for rows: what the schedule, the plan and the streaming engine work on.
///
/// Three things that a graph spells out cost nothing here: a Concat is a list of tensors that a kernel sees
/// as one; an activation runs in place on the row that its only source has just written; and a normalisation
/// of the input is applied while bytes become numbers, so that the long window of input rows stays in bytes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "layers/layer.h"
#include "swath/graph.h"

namespace swath {

/// A part of a kernel's source: all channels of a tensor, or of the input seen through a view.
struct SourcePart {
  int tensor = 0;
  int view = -1;  ///< index into Program::views where tensor is the input, else -1
};

/// The input seen through scale · byte + shift, by channel. Doubles, since the product of two of the graph's
/// floats need not be one.
struct InputView {
  std::vector<double> scale;
  std::vector<double> shift;
  /// The same for float32, as (byte - zero) · scale: that keeps the digits of bytes near the zero point,
  /// which byte · scale + shift would lose.
  std::vector<float> float_zero;
  std::vector<float> float_scale;
};

struct Op {
  std::string name;
  const RowLayer* layer = nullptr;
  const Activation* activation = nullptr;  ///< applied in place to every row of dst, or null
  std::vector<std::vector<SourcePart>> srcs;
  int dst = 0;
  std::vector<int> parameters;  ///< indices into the graph's
  Window rows;
  bool trains = false;    ///< some parameter is trainable
  bool backward = false;  ///< trains, or some source needs a gradient
};

struct ProgramTensor {
  std::string name;
  Shape shape;
  bool needs_gradient = false;
};

/// Holds pointers into the graph's layers; the graph must outlive it.
struct Program {
  std::vector<ProgramTensor> tensors;  ///< tensor 0 is the input
  std::vector<Op> ops;                 ///< in topological order
  std::vector<InputView> views;
  int output = 0;

  /// The ops that read a tensor, in order, each once.
  std::vector<std::vector<int>> readers;
  /// The op that writes a tensor; -1 for the input.
  std::vector<int> writer;
};

/// For an image of width × height (already extended). Throws as InferShapes does, and Error (kUnsupported)
/// for an output that is the input itself.
Program Lower(const Graph& graph, int64_t width, int64_t height);

}  // namespace swath
