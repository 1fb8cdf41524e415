#include "layers/layer.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"

namespace swath {
namespace {

std::vector<Shape> ShapesOf(const ReferenceArgs& args) {
  std::vector<Shape> shapes;
  for (const Tensor* src : args.srcs) shapes.push_back(src->shape);
  return shapes;
}

}  // namespace

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

RowLayer::Step RowLayer::step() const {
  const auto axis = [](const Window& window) {
    if (window.kind == Window::Kind::kScatter) return Step::Axis{1, window.stride};
    return Step::Axis{window.kind == Window::Kind::kGather ? window.stride : 1, window.divisor};
  };
  constexpr int64_t kAnySize = 1 << 20;
  return {axis(rows(kAnySize)), axis(columns(kAnySize))};
}

Shape ChannelLayer::DstShape(const std::vector<Shape>& srcs, const ParameterList&) const {
  ExpectOneSize(srcs);
  Shape dst = srcs.at(0);
  dst.channels = 0;
  for (const ChannelPick& pick : Picks(srcs)) dst.channels += pick.channels.size();
  return dst;
}

void ChannelLayer::ReferenceForward(const ReferenceArgs& args, Tensor* dst) const {
  int64_t c = 0;
  for (const ChannelPick& pick : Picks(ShapesOf(args))) {
    const Tensor& src = *args.srcs[static_cast<size_t>(pick.src)];
    const int64_t plane = src.shape.height * src.shape.width;
    std::copy_n(src.Row(pick.channels.begin, 0), pick.channels.size() * plane, dst->Row(c, 0));
    c += pick.channels.size();
  }
}

void ChannelLayer::ReferenceBackward(const ReferenceArgs& args, const Tensor&, const Tensor& diff_dst,
                                     const ReferenceGradients& gradients) const {
  int64_t c = 0;
  for (const ChannelPick& pick : Picks(ShapesOf(args))) {
    const int64_t plane = diff_dst.shape.height * diff_dst.shape.width;
    if (Tensor* diff_src = gradients.diff_srcs[static_cast<size_t>(pick.src)]) {
      double* to = diff_src->Row(pick.channels.begin, 0);
      const double* from = diff_dst.Row(c, 0);
      for (int64_t i = 0; i < pick.channels.size() * plane; ++i) to[i] += from[i];
    }
    c += pick.channels.size();
  }
}

void ExpectSources(const std::vector<Shape>& srcs, size_t count) {
  if (srcs.size() != count) {
    Fail(ErrorCode::kUnsupported, "expected {} computed input{}, found {}", count, count == 1 ? "" : "s",
         srcs.size());
  }
}

void ExpectOneSize(const std::vector<Shape>& srcs) {
  for (const Shape& src : srcs) {
    if (src.height == srcs[0].height && src.width == srcs[0].width) continue;
    Fail(ErrorCode::kUnsupported, "expected inputs of one size, found {} rows × {} columns and {} × {}",
         srcs[0].height, srcs[0].width, src.height, src.width);
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
