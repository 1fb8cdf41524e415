#include "graph/onnx_dims.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"

namespace swath {

int64_t Product(const std::vector<int64_t>& dims) {
  constexpr int64_t kMost = int64_t{1} << 62;
  int64_t product = 1;
  for (const int64_t dim : dims) {
    if (dim < 0 || (dim > 0 && product > kMost / dim))
      Fail(ErrorCode::kUnsupported, "has or makes dimensions {}", Joined(dims));
    product *= dim;
  }
  return product;
}

std::string Joined(const std::vector<int64_t>& dims) { return fmt::format("[{}]", fmt::join(dims, ", ")); }

int64_t NormalAxis(int64_t axis, size_t rank) {
  const int64_t n = static_cast<int64_t>(rank);
  if (axis < -n || axis >= n) Fail(ErrorCode::kInput, "axis is {}, of {} dimensions", axis, rank);
  return axis < 0 ? axis + n : axis;
}

std::vector<int64_t> BroadcastDims(const std::vector<int64_t>& a, const std::vector<int64_t>& b) {
  std::vector<int64_t> dims(std::max(a.size(), b.size()), 1);
  for (const auto* operand : {&a, &b}) {
    for (size_t i = 0; i < operand->size(); ++i) {
      int64_t& dim = dims[dims.size() - operand->size() + i];
      const int64_t own = (*operand)[i];
      if (own != 1 && dim != 1 && own != dim)
        Fail(ErrorCode::kInput, "operands of {} and {} do not fit together", Joined(a), Joined(b));
      if (own != 1) dim = own;
    }
  }
  return dims;
}

std::vector<int64_t> ReshapedDims(const std::vector<int64_t>& dims, std::vector<int64_t> wanted,
                                  bool allow_zero) {
  const std::vector<int64_t> as_written = wanted;
  std::vector<int64_t> known;
  int64_t* open = nullptr;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == 0 && !allow_zero) {
      if (i >= dims.size()) Fail(ErrorCode::kInput, "copies dimension {} of {}", i, Joined(dims));
      wanted[i] = dims[i];
    }
    if (wanted[i] < -1 || (wanted[i] == -1 && open))
      Fail(ErrorCode::kInput, "the shape is {}, expected at most one -1", Joined(as_written));
    if (wanted[i] == -1) {
      open = &wanted[i];
    } else {
      known.push_back(wanted[i]);
    }
  }
  const int64_t count = Product(dims), rest = Product(known);
  if (open) *open = rest > 0 ? count / rest : 0;
  if (Product(wanted) != count)
    Fail(ErrorCode::kUnsupported, "cannot make {} of {}", Joined(as_written), Joined(dims));
  return wanted;
}

std::vector<int64_t> FlattenedDims(const std::vector<int64_t>& dims, int64_t axis) {
  const int64_t rank = static_cast<int64_t>(dims.size());
  if (axis < -rank || axis > rank) Fail(ErrorCode::kInput, "axis is {}, of {} dimensions", axis, rank);
  const auto split = dims.begin() + (axis < 0 ? axis + rank : axis);
  return {Product({dims.begin(), split}), Product({split, dims.end()})};
}

std::vector<int64_t> SqueezedDims(const std::vector<int64_t>& dims, std::vector<int64_t> axes) {
  for (int64_t& axis : axes) axis = NormalAxis(axis, dims.size());
  std::vector<int64_t> squeezed;
  for (size_t i = 0; i < dims.size(); ++i) {
    const bool named = std::find(axes.begin(), axes.end(), static_cast<int64_t>(i)) != axes.end();
    if (named && dims[i] != 1) Fail(ErrorCode::kInput, "cannot squeeze axis {} of {}", i, Joined(dims));
    if (!named && (!axes.empty() || dims[i] != 1)) squeezed.push_back(dims[i]);
  }
  return squeezed;
}

std::vector<int64_t> UnsqueezedDims(const std::vector<int64_t>& dims, std::vector<int64_t> axes) {
  for (int64_t& axis : axes) axis = NormalAxis(axis, dims.size() + axes.size());
  std::sort(axes.begin(), axes.end());
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end())
    Fail(ErrorCode::kInput, "axes {} are not distinct", Joined(axes));
  std::vector<int64_t> unsqueezed = dims;
  for (const int64_t axis : axes) unsqueezed.insert(unsqueezed.begin() + axis, 1);
  return unsqueezed;
}

}  // namespace swath
