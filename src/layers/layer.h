/// The operators of a network. One operator a file; docs/add-an-operator.md walks through one.
///
/// A tensor is either *streamed*, as rows, or kept *in core*: what a global reduction has left of the image,
/// and all that follows from it. An operator is described up to three times, on purpose:
///  - its shapes and row rules (Window), from which schedule, plan and strips follow;
///  - the reference: whole tensors, doubles, plain loops over definitions. The reference engine uses it, and
///    the streaming engine for tensors in core, which are small;
///  - for streamed tensors its row kernel: one row forward, one row backward.
#pragma once

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/team.h"
#include "geometry/window.h"
#include "layers/attributes.h"
#include "swath/graph.h"
#include "tensor/row_window.h"
#include "tensor/tensor.h"

namespace swath {

/// Which values the backward pass of a layer reads; rows are kept for it and no longer.
struct BackwardReads {
  bool src = false;
};

using ParameterList = std::vector<const Parameter*>;

/// Arguments of Layer::ReferenceForward and ReferenceBackward.
struct ReferenceArgs {
  std::vector<const Tensor*> srcs;
  ParameterList parameters;
  uint64_t seed = 0;  ///< of Dropout; 0 switches it off
};

/// Gradients that Layer::ReferenceBackward adds to; null where no gradient is wanted.
struct ReferenceGradients {
  std::vector<Tensor*> diff_srcs;
  std::vector<std::vector<double>*> diff_parameters;
};

/// What an operator is to the streaming engine, where its first source is streamed.
enum class LayerKind {
  kRows,        ///< RowLayer: has a window and a row kernel
  kActivation,  ///< Activation: pointwise, backward from its own output; runs in place on the row it follows
  kChannels,    ///< ChannelLayer: picks channels; costs nothing, since kernels see a pointer per channel
  kReduction,   ///< ReductionLayer: from rows to a tensor in core
  kNormalization,  ///< NormalizationLayer: a reduction, and a row layer that reads its result
  kCore,           ///< only for tensors in core
};

/// A constant input of an operator that is no parameter: ONNX has some settings there instead of in
/// attributes. One without a name is left out.
struct Setting {
  std::string name;
  std::vector<double> values;
  enum class Type { kFloats, kIntegers, kScalar } type = Type::kFloats;
};

class Layer {
 public:
  virtual ~Layer() = default;

  /// The ONNX operator type, e.g. "Conv".
  virtual std::string_view type() const = 0;
  virtual LayerKind kind() const = 0;
  /// The operator's attributes as ONNX writes them; its maker in the registry reads them back.
  virtual Attributes attributes() const { return {}; }
  /// What ONNX has as inputs after the sources and parameters; the maker reads them back as well.
  virtual std::vector<Setting> settings() const { return {}; }
  /// Number of ONNX dimensions of the output.
  virtual int DstRank(const std::vector<int>& srcs) const {
    return *std::max_element(srcs.begin(), srcs.end());
  }
  /// Whether parameters stand before the sources among ONNX's inputs (2 / x).
  virtual bool constant_first() const { return false; }

  /// Shape of the output. `parameters` are checked against the sources. Throws Error (kUnsupported) with a
  /// message that says what was expected and what was found; InferShapes puts the node's name in front.
  virtual Shape DstShape(const std::vector<Shape>& srcs, const ParameterList& parameters) const = 0;

  /// dst has its shape and is zero.
  virtual void ReferenceForward(const ReferenceArgs& args, Tensor* dst) const = 0;
  /// Adds to the gradients that are not null.
  virtual void ReferenceBackward(const ReferenceArgs& args, const Tensor& dst, const Tensor& diff_dst,
                                 const ReferenceGradients& gradients) const = 0;
};

/// Memory that a row kernel keeps between rows (packed rows, say). One for each strip in flight.
class Workspace {
 public:
  virtual ~Workspace() = default;
  /// Forgets everything: a new strip, or a new image, begins.
  virtual void Reset() = 0;

  /// Multiply-adds that were not done, since their sums were known.
  int64_t skipped = 0;
  /// Threads to share work with, or null; a kernel that hands out tasks waits for them before it returns.
  Team* team = nullptr;
};

/// One row of a layer, forward; or several, of a layer that asks for them (RowLayer::rows_at_once). Pointers
/// to rows point at the first column of KernelContext's ranges.
template <class T>
struct ForwardRow {
  int64_t y = 0;                         ///< row of dst, the first of `count`
  int64_t count = 1;                     ///< rows
  std::vector<RowWindow<const T>> srcs;  ///< by source: the rows that these read; none of a source in core
  std::vector<const Tensor*> cores;      ///< by source: its values where it is in core, else null
  T* const* dst = nullptr;               ///< [row - y][channel] -> columns, to be overwritten
  uint64_t seed = 0;                     ///< of Dropout; 0 switches it off
};

/// The same, backward.
template <class T>
struct BackwardRow {
  int64_t y = 0;                         ///< row of dst, the first of `count`
  int64_t count = 1;                     ///< rows
  std::vector<RowWindow<const T>> srcs;  ///< what they read; no rows where BackwardReads::src is false
  std::vector<const Tensor*> cores;      ///< as in ForwardRow
  const T* const* diff_dst = nullptr;    ///< [row - y + before][channel]
  std::vector<RowWindow<T>> diff_srcs;   ///< the same rows of the gradients, to be added to
  /// Instead, rows of the first source's gradient that no later call adds to, to be set, with all rows of dst
  /// that read them in reach: `before` of diff_dst are rows before y.
  bool pulls = false;
  int64_t before = 0;
  /// By row and channel of the pulled rows: what a ReLU made of the source. Where it is 0 so is the gradient,
  /// which is then that of what the ReLU was given. Null where none is wanted: see RowKernel::applies_gates.
  const T* const* gates = nullptr;
  std::vector<Tensor*> diff_cores;           ///< by source, to be added to; null where none is wanted
  double* const* diff_parameters = nullptr;  ///< [parameter] -> values in ONNX's layout, to be added to;
                                             ///< null, or an entry, where not wanted
  uint64_t seed = 0;
};

/// The arithmetic of a layer on rows. Shared by all strips: state lives in the workspace.
template <class T>
class RowKernel {
 public:
  virtual ~RowKernel() = default;

  /// What `plan` and the profile call it: "reference", "highway" or "onednn".
  virtual std::string_view name() const = 0;
  /// Values that must be readable, as zeros, left and right of every row of src, dst and their gradients.
  virtual int64_t margin() const { return 0; }
  /// Bytes of packed parameters, held once.
  virtual int64_t parameter_bytes() const { return 0; }
  /// Bytes that a library holds once for all kernels that use it.
  virtual int64_t shared_bytes() const { return 0; }
  /// Bytes of one workspace.
  virtual int64_t workspace_bytes() const { return 0; }
  virtual std::unique_ptr<Workspace> MakeWorkspace() const { return nullptr; }

  /// Whether Forward applies the ReLU that follows, where KernelContext tells of one: while values are in
  /// registers, it costs nothing.
  virtual bool applies_relu() const { return false; }
  /// Whether Backward takes BackwardRow::gates.
  virtual bool applies_gates() const { return false; }

  /// Takes new weights, before a sweep.
  virtual void SetParameters(const ParameterList&) {}
  virtual void Forward(const ForwardRow<T>& row, Workspace* workspace) const = 0;
  virtual void Backward(const BackwardRow<T>& row, Workspace* workspace) const = 0;
};

/// What a row kernel is made for. A panel has some columns of every tensor; with a single one these are all.
struct KernelContext {
  std::vector<Shape> srcs;  ///< of the whole image
  Shape dst;
  std::vector<bool> in_core;  ///< by source
  Range src_columns;          ///< of the streamed sources: all that dst_columns read inside the image
  Range dst_columns;
  bool backward = true;              ///< false: prediction only, no memory for the way back
  bool pack_weights = true;          ///< as PlanOptions says
  std::vector<bool> image_channels;  ///< of the first source, whether they are the image's
  int64_t team = 1;                  ///< the most threads that a workspace's team has
  bool relu = false;                 ///< a ReLU follows: see RowKernel::applies_relu
  bool bfloat16 = false;             ///< factors of products may be rounded to bfloat16, as the sources are
  static constexpr int64_t kManyMultiplyAdds = std::numeric_limits<int64_t>::max();
  int64_t multiply_adds = kManyMultiplyAdds;  ///< a pixel of the image, rounded up

  int64_t width() const { return dst_columns.size(); }
};

/// A layer whose rows depend on a window of source rows. Its first source is streamed; the others may be in
/// core, one value a channel.
class RowLayer : public Layer {
 public:
  LayerKind kind() const final { return LayerKind::kRows; }

  /// The row rule for a source of `src` rows, the same for every streamed source.
  virtual Window rows(int64_t /*src*/) const { return {}; }
  virtual Window columns(int64_t /*src*/) const { return {}; }
  virtual BackwardReads backward_reads() const = 0;
  /// The most rows of dst that its kernels take in one piece: a few, where they share what they read. One
  /// that says 1 never sees ForwardRow::count above it.
  virtual int64_t rows_at_once(const std::vector<Shape>& /*srcs*/, const Shape& /*dst*/) const { return 1; }
  /// Whether a row of its source's gradient should be made when all of dst that reads it has gone back, where
  /// no other layer adds to it. One that says no never sees BackwardRow::pulls. Its rows are a plain gather.
  virtual bool pulls(const std::vector<Shape>& /*srcs*/, const Shape& /*dst*/) const { return false; }

  /// How many pixels of the image a pixel of dst spans for one of src, exactly.
  struct Step {
    struct Axis {
      int64_t numerator = 1, denominator = 1;
    };
    Axis rows, columns;
  };
  virtual Step step() const;

  /// Throws Error (kUnsupported) for what the layer does in core, but not to rows.
  virtual void CheckStreamed(const ParameterList&) const {}

  /// Multiply-adds per row of dst, forward; 0 for layers that do none worth counting.
  virtual int64_t MultiplyAdds(const std::vector<Shape>&, const Shape&) const { return 0; }

  virtual std::unique_ptr<RowKernel<float>> MakeKernelF32(const KernelContext& context) const = 0;
  virtual std::unique_ptr<RowKernel<double>> MakeKernelF64(const KernelContext& context) const = 0;

  template <class T>
  std::unique_ptr<RowKernel<T>> MakeKernel(const KernelContext& context) const;
};

template <>
inline std::unique_ptr<RowKernel<float>> RowLayer::MakeKernel(const KernelContext& context) const {
  return MakeKernelF32(context);
}
template <>
inline std::unique_ptr<RowKernel<double>> RowLayer::MakeKernel(const KernelContext& context) const {
  return MakeKernelF64(context);
}

/// A pointwise function whose derivative follows from its own output.
class Activation : public Layer {
 public:
  LayerKind kind() const final { return LayerKind::kActivation; }
  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList&) const final { return srcs[0]; }

  /// row[i] = f(row[i])
  virtual void Forward(float* row, int64_t n) const = 0;
  virtual void Forward(double* row, int64_t n) const = 0;
  /// diff[i] *= f'(x) where dst[i] = f(x)
  virtual void Backward(const float* dst, float* diff, int64_t n) const = 0;
  virtual void Backward(const double* dst, double* diff, int64_t n) const = 0;

  void ReferenceForward(const ReferenceArgs& args, Tensor* dst) const final;
  void ReferenceBackward(const ReferenceArgs& args, const Tensor& dst, const Tensor& diff_dst,
                         const ReferenceGradients& gradients) const final;

 protected:
  /// The definition, for the reference: f(x), and f'(x) given x and f(x).
  virtual double Value(double x) const = 0;
  virtual double Derivative(double x) const = 0;
};

/// Some channels of one source.
struct ChannelPick {
  int src = 0;
  Range channels;
};

/// A layer whose dst is channels of its sources, side by side.
class ChannelLayer : public Layer {
 public:
  LayerKind kind() const final { return LayerKind::kChannels; }
  /// What dst is made of, in order. Throws as DstShape does.
  virtual std::vector<ChannelPick> Picks(const std::vector<Shape>& srcs) const = 0;

  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList&) const final;
  void ReferenceForward(const ReferenceArgs& args, Tensor* dst) const final;
  void ReferenceBackward(const ReferenceArgs& args, const Tensor& dst, const Tensor& diff_dst,
                         const ReferenceGradients& gradients) const final;
};

/// One row of the sources of a reduction. Pointers point at columns.begin.
template <class T>
struct ReductionRow {
  int64_t y = 0;
  Range columns;
  std::vector<RowWindow<const T>> srcs;  ///< by source: row y
  std::vector<RowWindow<T>> diff_srcs;   ///< backward: its gradient, to be added to
};

/// From all pixels of streamed tensors of one size to a tensor in core. What it adds up on the way is its
/// *state*; strips and panels have one each, which are merged in their order.
class ReductionLayer : public Layer {
 public:
  LayerKind kind() const final { return LayerKind::kReduction; }
  virtual BackwardReads backward_reads() const = 0;

  /// Number of doubles.
  virtual int64_t StateSize(const std::vector<Shape>& srcs) const = 0;
  /// The state of no pixels.
  virtual void Clear(const std::vector<Shape>& srcs, double* state) const = 0;
  virtual void AddRow(const std::vector<Shape>& srcs, const ReductionRow<float>& row,
                      double* state) const = 0;
  virtual void AddRow(const std::vector<Shape>& srcs, const ReductionRow<double>& row,
                      double* state) const = 0;
  /// Adds the state of other pixels.
  virtual void Merge(const std::vector<Shape>& srcs, const double* other, double* state) const = 0;
  /// dst has its shape.
  virtual void Finish(const std::vector<Shape>& srcs, const double* state, Tensor* dst) const = 0;

  /// What a row's gradient follows from, when all pixels have been seen.
  struct Result {
    const double* state;
    const Tensor& dst;
    const Tensor& diff_dst;
  };
  virtual void Backward(const std::vector<Shape>& srcs, const ReductionRow<float>& row,
                        const Result& result) const = 0;
  virtual void Backward(const std::vector<Shape>& srcs, const ReductionRow<double>& row,
                        const Result& result) const = 0;
};

/// A layer that needs statistics of the whole image: a graph has it as one node, the streaming engine as a
/// reduction and a row layer with two sources, src and the reduction's result. The reference is the
/// textbook's.
class NormalizationLayer : public Layer {
 public:
  /// Whether parameters 2 and 3 are running statistics, a mean and a variance, to be brought up to date in
  /// training.
  virtual bool updates_running() const { return false; }
  /// The share of the old ones that stays.
  virtual double momentum() const { return 0; }
  LayerKind kind() const final { return LayerKind::kNormalization; }
  virtual const ReductionLayer& statistics() const = 0;
  virtual const RowLayer& apply() const = 0;
};

/// Checks shared by the layers; each throws Error (kUnsupported) with `what` in its message.
void ExpectSources(const std::vector<Shape>& srcs, size_t count);
void ExpectDims(const Parameter& parameter, const std::vector<int64_t>& dims, std::string_view what);
/// Streamed sources of one size.
void ExpectOneSize(const std::vector<Shape>& srcs);
std::string ToString(const Shape& shape);

}  // namespace swath
