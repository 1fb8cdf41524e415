#include "layers/layer.h"

#include <fmt/ranges.h>

#include "base/error.h"

namespace swath {

void Activation::ReferenceForward(const ReferenceArgs& args, Tensor* dst) const {
  for (size_t i = 0; i < dst->values.size(); ++i) dst->values[i] = Value(args.srcs[0]->values[i]);
}

void Activation::ReferenceBackward(const ReferenceArgs& args, const Tensor&, const Tensor& diff_dst,
                                   const ReferenceGradients& gradients) const {
  Tensor* diff_src = gradients.diff_srcs[0];
  if (!diff_src) return;
  for (size_t i = 0; i < diff_dst.values.size(); ++i) {
    diff_src->values[i] += diff_dst.values[i] * Derivative(args.srcs[0]->values[i]);
  }
}

void ExpectSources(const std::vector<Shape>& srcs, size_t count) {
  if (srcs.size() != count) {
    Fail(ErrorCode::kUnsupported, "expected {} computed input{}, found {}", count, count == 1 ? "" : "s",
         srcs.size());
  }
}

void ExpectDims(const Parameter& parameter, const std::vector<int64_t>& dims, std::string_view what) {
  if (parameter.dims == dims) return;
  const auto text = [](const std::vector<int64_t>& d) { return fmt::format("[{}]", fmt::join(d, ", ")); };
  Fail(ErrorCode::kUnsupported, "expected {} '{}' of shape {}, found {}", what, parameter.name, text(dims),
       text(parameter.dims));
}

std::string ToString(const Shape& shape) {
  return fmt::format("{} channels, {} rows, {} columns", shape.channels, shape.height, shape.width);
}

}  // namespace swath
