#include "geometry/window.h"

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

Range Window::Src(int64_t y) const { return Src(Range{y, y + 1}); }

Range Window::Src(Range dst) const {
  if (dst.empty()) return {};
  const int64_t first = dst.begin, last = dst.end - 1;
  if (kind == Kind::kGather) return {first * stride - pad_begin, last * stride - pad_begin + extent()};
  return {CeilDiv(first + pad_begin - extent() + 1, stride), FloorDiv(last + pad_begin, stride) + 1};
}

int64_t Window::LastDst(int64_t r) const {
  if (kind == Kind::kGather) return FloorDiv(r + pad_begin, stride);
  return r * stride - pad_begin + extent() - 1;
}

int64_t Window::Tap(int64_t y, int64_t r) const {
  const int64_t fine = kind == Kind::kGather ? r : y, coarse = kind == Kind::kGather ? y : r;
  const int64_t offset = fine + pad_begin - coarse * stride;
  if (offset < 0 || offset % dilation != 0 || offset / dilation >= kernel) return -1;
  return offset / dilation;
}

}  // namespace swath
