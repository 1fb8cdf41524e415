/// The operators of a network. One operator a file; docs/add-an-operator.md walks through one.
///
/// An operator is described three times, on purpose:
///  - its shapes and row rules (Window), from which schedule, plan and strips follow;
///  - the reference: whole tensors, doubles, plain loops over definitions, used by the reference engine;
///  - its row kernel: one row forward, one row backward, used by the streaming engine.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

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
};

/// Gradients that Layer::ReferenceBackward adds to; null where no gradient is wanted.
struct ReferenceGradients {
  std::vector<Tensor*> diff_srcs;
  std::vector<std::vector<double>*> diff_parameters;
};

/// What an operator is to the streaming engine.
enum class LayerKind {
  kRows,        ///< RowLayer: has a window and a row kernel
  kActivation,  ///< Activation: pointwise, backward from its own output; runs in place on the row it follows
  kConcat,      ///< channels side by side; costs nothing, since kernels see a pointer per channel
};

class Layer {
 public:
  virtual ~Layer() = default;

  /// The ONNX operator type, e.g. "Conv".
  virtual std::string_view type() const = 0;
  virtual LayerKind kind() const = 0;
  /// The operator's attributes as ONNX writes them; its maker in the registry reads them back.
  virtual Attributes attributes() const { return {}; }

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
};

/// One row of a layer, forward.
template <class T>
struct ForwardRow {
  int64_t y = 0;                         ///< row of dst
  std::vector<RowWindow<const T>> srcs;  ///< the rows that y reads
  T* const* dst = nullptr;               ///< [channel] -> width values, to be overwritten
};

/// One row of a layer, backward.
template <class T>
struct BackwardRow {
  int64_t y = 0;                         ///< row of dst
  std::vector<RowWindow<const T>> srcs;  ///< the rows that y reads; no rows where BackwardReads::src is false
  const T* const* diff_dst = nullptr;    ///< [channel]
  std::vector<RowWindow<T>> diff_srcs;   ///< the same rows of the gradients, to be added to
  double* const* diff_parameters =
      nullptr;  ///< [parameter] -> values in ONNX's layout, to be added to; or null
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
  /// Bytes of one workspace.
  virtual int64_t workspace_bytes() const { return 0; }
  virtual std::unique_ptr<Workspace> MakeWorkspace() const { return nullptr; }

  /// Takes new weights, before a sweep.
  virtual void SetParameters(const ParameterList&) {}
  virtual void Forward(const ForwardRow<T>& row, Workspace* workspace) const = 0;
  virtual void Backward(const BackwardRow<T>& row, Workspace* workspace) const = 0;
};

/// What a row kernel is made for.
struct KernelContext {
  std::vector<Shape> srcs;
  Shape dst;
  bool backward = true;  ///< false: prediction only, no memory for the way back
};

/// A layer whose rows depend on a window of source rows.
class RowLayer : public Layer {
 public:
  LayerKind kind() const final { return LayerKind::kRows; }

  /// The row rule, the same for every source.
  virtual Window rows() const { return {}; }
  virtual Window columns() const { return {}; }
  virtual BackwardReads backward_reads() const = 0;

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

/// Checks shared by the layers; each throws Error (kUnsupported) with `what` in its message.
void ExpectSources(const std::vector<Shape>& srcs, size_t count);
void ExpectDims(const Parameter& parameter, const std::vector<int64_t>& dims, std::string_view what);
std::string ToString(const Shape& shape);

}  // namespace swath
