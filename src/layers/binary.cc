#include "layers/binary.h"

#include <fmt/ranges.h>

namespace swath {

Shape ConstantShape(const Parameter& constant) {
  const std::vector<int64_t>& dims = constant.dims;
  const auto dim = [&](size_t from_right) {
    return dims.size() >= from_right ? dims[dims.size() - from_right] : 1;
  };
  for (size_t i = 4; i <= dims.size(); ++i) {
    if (dim(i) == 1) continue;
    Fail(ErrorCode::kUnsupported, "constant '{}' has dimensions [{}], expected a batch of 1", constant.name,
         fmt::join(dims, ", "));
  }
  return {dim(3), dim(2), dim(1)};
}

Shape BroadcastShape(const Shape& a, const Shape& b) {
  const auto axis = [&](int64_t m, int64_t n) {
    if (m == n || n == 1) return m;
    if (m == 1) return n;
    Fail(ErrorCode::kUnsupported, "operands of {} and of {} do not fit together", ToString(a), ToString(b));
  };
  return {axis(a.channels, b.channels), axis(a.height, b.height), axis(a.width, b.width)};
}

std::optional<InputMap> InputMapOf(const Layer& layer, const Parameter& constant) {
  const auto* binary = dynamic_cast<const BinaryLayerBase*>(&layer);
  if (!binary || constant.trainable) return std::nullopt;
  return binary->AsInputMap(constant);
}

}  // namespace swath
