/// What Add, Sub, Mul and Div share: two operands, broadcast as NumPy does.
///
/// An operand is a tensor or a constant. Beside a map it may be another map of its size, a map of one
/// channel, one value a channel (in core, or a constant) or a single value. In core all broadcasting is
/// allowed.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "base/error.h"
#include "layers/input_map.h"
#include "layers/layers.h"
#include "layers/registry.h"
#include "layers/simple_kernel.h"

namespace swath {

/// Dimensions of a constant as [channel, row, column], aligned at the right; leading ones are dropped.
Shape ConstantShape(const Parameter& constant);

/// The shape that two operands give together; throws Error (kUnsupported) where they do not fit.
Shape BroadcastShape(const Shape& a, const Shape& b);

class BinaryLayerBase {
 public:
  virtual ~BinaryLayerBase() = default;
  virtual std::optional<InputMap> AsInputMap(const Parameter& constant) const = 0;
};

/// Function supplies kType, kReadsValues (whether a derivative does), and for values a and b: F, Da, Db.
template <class Function>
class BinaryLayer final : public SimpleRowLayer<BinaryLayer<Function>>, public BinaryLayerBase {
 public:
  explicit BinaryLayer(ConstantFirst constant_first)
      : constant_first_(constant_first == ConstantFirst::kYes) {}

  std::string_view type() const override { return Function::kType; }
  bool constant_first() const override { return constant_first_; }
  BackwardReads backward_reads() const override { return {.src = Function::kReadsValues}; }
  void CheckStreamed(const ParameterList& parameters) const override {
    for (const Parameter* constant : parameters) {
      const Shape shape = ConstantShape(*constant);
      if (shape.height == 1 && shape.width == 1) continue;
      Fail(ErrorCode::kUnsupported,
           "constant '{}' has {}: one value a pixel fixes the size of the image; expected one a channel",
           constant->name, ToString(shape));
    }
  }

  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList& parameters) const override {
    if (srcs.size() + parameters.size() != 2) {
      Fail(ErrorCode::kUnsupported, "expected two operands, found {}", srcs.size() + parameters.size());
    }
    if (srcs.size() == 2) return BroadcastShape(srcs[0], srcs[1]);
    return BroadcastShape(srcs[0], ConstantShape(*parameters[0]));
  }

  void ReferenceForward(const ReferenceArgs& args, Tensor* dst) const override {
    const Operands operands = Both(args);
    ForEach(*dst, operands, [&](size_t i, size_t a, size_t b) {
      dst->values[i] = Function::F(operands[0].values[a], operands[1].values[b]);
    });
  }

  void ReferenceBackward(const ReferenceArgs& args, const Tensor& dst, const Tensor& diff_dst,
                         const ReferenceGradients& gradients) const override {
    const Operands operands = Both(args);
    std::array<double*, 2> diffs = {nullptr, nullptr};
    for (size_t i = 0; i < args.srcs.size(); ++i) {
      if (Tensor* diff = gradients.diff_srcs[i]) diffs[IndexOfSource(i)] = diff->values.data();
    }
    if (!gradients.diff_parameters.empty() && gradients.diff_parameters[0])
      diffs[IndexOfConstant()] = gradients.diff_parameters[0]->data();
    ForEach(dst, operands, [&](size_t i, size_t a, size_t b) {
      const double va = operands[0].values[a], vb = operands[1].values[b], d = diff_dst.values[i];
      if (diffs[0]) diffs[0][a] += d * Function::Da(va, vb);
      if (diffs[1]) diffs[1][b] += d * Function::Db(va, vb);
    });
  }

  template <class T>
  void ForwardOneRow(const ForwardRow<T>& row, const KernelContext& context,
                     const ParameterList& parameters) const {
    for (int64_t c = 0; c < context.dst.channels; ++c) {
      const auto [a, b] = RowOperands<T>(row.srcs, row.cores, context, parameters, row.y, c);
      T* dst = row.dst[c];
      const int64_t n = context.width();
      if (a.row && b.row) {
        for (int64_t x = 0; x < n; ++x) dst[x] = Function::F(a.row[x], b.row[x]);
      } else if (a.row) {
        for (int64_t x = 0; x < n; ++x) dst[x] = Function::F(a.row[x], b.value);
      } else {
        for (int64_t x = 0; x < n; ++x) dst[x] = Function::F(a.value, b.row[x]);
      }
    }
  }

  template <class T>
  void BackwardOneRow(const BackwardRow<T>& row, const KernelContext& context,
                      const ParameterList& parameters) const {
    for (int64_t c = 0; c < context.dst.channels; ++c) {
      auto operands = RowOperands<T>(row.srcs, row.cores, context, parameters, row.y, c);
      const T* d = row.diff_dst[c];
      for (size_t i = 0; i < 2; ++i) AddOperandGradient(row, context, parameters, c, i, operands, d);
    }
  }

  std::optional<InputMap> AsInputMap(const Parameter& constant) const override {
    if (constant_first_ && !Function::kCommutes) return std::nullopt;
    InputMap map{Function::kInputMap, {}};
    for (const float value : constant.values) map.values.push_back(Function::MapValue(value));
    return map;
  }

 private:
  /// An operand of the reference, with dimensions to walk over.
  struct Operand {
    Shape shape;
    const double* values = nullptr;
    std::vector<double> constant = {};
  };
  using Operands = std::array<Operand, 2>;

  /// One operand in a row: values by column, or one for all of them.
  template <class T>
  struct RowOperand {
    const T* row = nullptr;
    T value = 0;
  };

  size_t IndexOfSource(size_t src) const { return constant_first_ ? 1 : src; }
  size_t IndexOfConstant() const { return constant_first_ ? 0 : 1; }

  Operands Both(const ReferenceArgs& args) const {
    Operands operands;
    for (size_t i = 0; i < args.srcs.size(); ++i)
      operands[IndexOfSource(i)] = {args.srcs[i]->shape, args.srcs[i]->values.data()};
    if (!args.parameters.empty()) {
      const Parameter& constant = *args.parameters[0];
      Operand& operand = operands[IndexOfConstant()];
      operand.shape = ConstantShape(constant);
      operand.constant.assign(constant.values.begin(), constant.values.end());
      operand.values = operand.constant.data();
    }
    return operands;
  }

  /// Calls f with the index of a value of dst and those of the values of both operands that it is made of.
  template <class F>
  static void ForEach(const Tensor& dst, const Operands& operands, F&& f) {
    const auto index = [](const Shape& s, int64_t c, int64_t y, int64_t x) {
      return static_cast<size_t>(((s.channels == 1 ? 0 : c) * s.height + (s.height == 1 ? 0 : y)) * s.width +
                                 (s.width == 1 ? 0 : x));
    };
    size_t i = 0;
    for (int64_t c = 0; c < dst.shape.channels; ++c) {
      for (int64_t y = 0; y < dst.shape.height; ++y) {
        for (int64_t x = 0; x < dst.shape.width; ++x, ++i)
          f(i, index(operands[0].shape, c, y, x), index(operands[1].shape, c, y, x));
      }
    }
  }

  template <class T>
  std::array<RowOperand<T>, 2> RowOperands(const std::vector<RowWindow<const T>>& srcs,
                                           const std::vector<const Tensor*>& cores,
                                           const KernelContext& context, const ParameterList& parameters,
                                           int64_t y, int64_t c) const {
    std::array<RowOperand<T>, 2> operands;
    for (size_t i = 0; i < context.srcs.size(); ++i) {
      RowOperand<T>& operand = operands[IndexOfSource(i)];
      if (context.in_core[i]) {
        operand.value = static_cast<T>(cores[i]->values[cores[i]->values.size() == 1 ? 0 : size_t(c)]);
      } else if (!srcs.empty()) {
        operand.row = srcs[i].At(y, context.srcs[i].channels == 1 ? 0 : c);
      }
    }
    if (!parameters.empty()) {
      const Parameter& constant = *parameters[0];
      operands[IndexOfConstant()].value =
          static_cast<T>(constant.values[constant.size() == 1 ? 0 : static_cast<size_t>(c)]);
    }
    return operands;
  }

  template <class T>
  static T Derivative(size_t operand, T a, T b) {
    return operand == 0 ? Function::Da(a, b) : Function::Db(a, b);
  }

  template <class T>
  void AddOperandGradient(const BackwardRow<T>& row, const KernelContext& context,
                          const ParameterList& parameters, int64_t c, size_t operand,
                          const std::array<RowOperand<T>, 2>& operands, const T* d) const {
    const auto at = [&](int64_t x) {
      const T a = operands[0].row ? operands[0].row[x] : operands[0].value;
      const T b = operands[1].row ? operands[1].row[x] : operands[1].value;
      return Derivative<T>(operand, a, b);
    };
    const int64_t n = context.width();
    const auto sum = [&] {
      double total = 0;
      for (int64_t x = 0; x < n; ++x) total += static_cast<double>(d[x]) * static_cast<double>(at(x));
      return total;
    };
    if (!parameters.empty() && operand == IndexOfConstant()) {
      double* diff = row.diff_parameters ? row.diff_parameters[0] : nullptr;
      if (diff) diff[parameters[0]->size() == 1 ? 0 : c] += sum();
      return;
    }
    const size_t src = constant_first_ ? 0 : operand;
    if (context.in_core[src]) {
      if (Tensor* diff = row.diff_cores[src]) diff->values[diff->values.size() == 1 ? 0 : size_t(c)] += sum();
      return;
    }
    T* diff = row.diff_srcs[src].At(row.y, context.srcs[src].channels == 1 ? 0 : c);
    if (!diff) return;
    for (int64_t x = 0; x < n; ++x) diff[x] += d[x] * at(x);
  }

  bool constant_first_;
};

/// The maker from ONNX; which operand is the constant follows from the inputs.
template <class Function>
std::shared_ptr<const Layer> BinaryFromOnnx(const Attributes& attributes, const ConstantInputs& inputs) {
  AttributeReader reader(attributes);
  reader.Finish();
  return std::make_shared<BinaryLayer<Function>>(inputs.size() == 2 && inputs[0] ? ConstantFirst::kYes
                                                                                 : ConstantFirst::kNo);
}

}  // namespace swath
