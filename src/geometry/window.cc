#include "geometry/window.h"

#include <algorithm>
#include <cassert>
#include <limits>

namespace swath {

int64_t Window::DstSize(int64_t src) const {
  if (kind == Kind::kScatter) {
    return (src - 1) * stride + extent() - pad_begin - pad_end + output_padding;
  }
  const int64_t room = src + pad_begin + pad_end - extent();
  if (room < 0) return 0;
  if (rounding == Rounding::kFloor) return room / stride + 1;
  // A last window that would start in the padding after the image reads nothing and is dropped.
  const int64_t size = CeilDiv(room, stride) + 1;
  return (size - 1) * stride >= src + pad_begin ? size - 1 : size;
}

int64_t Window::most_src(int64_t outputs) const {
  const int64_t more = outputs - 1;
  if (kind == Kind::kReflect) return std::max(pad_begin, pad_end) + 1 + more;
  return kind == Kind::kGather ? extent() + CeilDiv(more * stride, divisor)
                               : (extent() - 1 + more) / stride + 1;
}

Range Window::Src(int64_t y) const { return Src(Range{y, y + 1}); }

Range Window::Src(Range dst) const {
  if (dst.empty()) return {};
  const int64_t first = dst.begin, last = dst.end - 1;
  if (kind == Kind::kScatter)
    return {CeilDiv(first + pad_begin - extent() + 1, stride), FloorDiv(last + pad_begin, stride) + 1};
  if (kind == Kind::kReflect) {
    // What is mirrored at the top is read from its far end on, what is mirrored at the bottom up to it.
    return {std::clamp<int64_t>(first - pad_begin, 0, clamp - 1 - pad_end),
            std::clamp<int64_t>(last - pad_begin, pad_begin, clamp - 1) + 1};
  }
  const Range src{FloorDiv(first * stride - pad_begin, divisor),
                  FloorDiv(last * stride - pad_begin, divisor) + extent()};
  if (clamp == 0) return src;
  return {std::clamp<int64_t>(src.begin, 0, clamp - 1), std::clamp<int64_t>(src.end - 1, 0, clamp - 1) + 1};
}

int64_t Window::LastDst(int64_t r) const {
  if (kind == Kind::kScatter) return r * stride - pad_begin + extent() - 1;
  const int64_t end = kind == Kind::kReflect ? clamp - 1 - pad_end : clamp - 1;
  if ((clamp > 0 && r >= end) || stride == 0) return std::numeric_limits<int64_t>::max();
  return kind == Kind::kReflect ? r + pad_begin : FloorDiv(divisor * (r + 1) - 1 + pad_begin, stride);
}

int64_t Window::FirstDst(int64_t r) const {
  assert(kind == Kind::kGather && divisor == 1 && clamp == 0 && stride > 0);
  return CeilDiv(r + pad_begin - extent() + 1, stride);
}

int64_t Window::Tap(int64_t y, int64_t r) const {
  assert(kind != Kind::kReflect && divisor == 1 && clamp == 0);
  const int64_t fine = kind == Kind::kGather ? r : y, coarse = kind == Kind::kGather ? y : r;
  const int64_t offset = fine + pad_begin - coarse * stride;
  if (dilation == 1) return offset >= 0 && offset < kernel ? offset : -1;  // divisions are slow
  if (offset < 0 || offset % dilation != 0 || offset / dilation >= kernel) return -1;
  return offset / dilation;
}

}  // namespace swath
