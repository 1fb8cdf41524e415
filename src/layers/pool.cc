#include "layers/pool.h"

#include "base/error.h"
#include "layers/window_attributes.h"

namespace swath {
namespace {

/// A window that lies wholly in the padding has neither a maximum nor a mean.
void RefuseEmptyWindows(const Window& window, int64_t dst, int64_t src) {
  for (int64_t y = 0; y < dst; ++y) {
    bool any = false;
    ForTaps(window, y, src, [&](int64_t, int64_t) { any = true; });
    if (!any) {
      Fail(ErrorCode::kUnsupported,
           "output {} of {} reads nothing but padding (pads {} and {}, window {}, source {})", y, dst,
           window.pad_begin, window.pad_end, window.extent(), src);
    }
  }
}

}  // namespace

PoolAttributes PoolFromOnnx(AttributeReader* reader) {
  const WindowPair windows = ReadWindows(reader, Window::Kind::kGather, {});
  PoolAttributes pool{.rows = windows.rows, .columns = windows.columns};
  if (reader->Int("ceil_mode", 0) != 0) pool.rows.rounding = pool.columns.rounding = Rounding::kCeil;
  return pool;
}

Attributes PoolToOnnx(const PoolAttributes& pool) {
  if (pool.rows.rounding != pool.columns.rounding) {
    Fail(ErrorCode::kUnsupported,
         "rows and columns round their sizes differently, which ceil_mode cannot say");
  }
  Attributes out = WriteWindows(pool.rows, pool.columns);
  out["ceil_mode"] = int64_t{pool.rows.rounding == Rounding::kCeil};
  return out;
}

Shape PoolShape(const PoolAttributes& pool, const std::vector<Shape>& srcs) {
  ExpectSources(srcs, 1);
  const Shape dst{srcs[0].channels, pool.rows.DstSize(srcs[0].height), pool.columns.DstSize(srcs[0].width)};
  if (dst.height <= 0 || dst.width <= 0) {
    Fail(ErrorCode::kUnsupported, "the source ({}) is smaller than the window", ToString(srcs[0]));
  }
  RefuseEmptyWindows(pool.rows, dst.height, srcs[0].height);
  RefuseEmptyWindows(pool.columns, dst.width, srcs[0].width);
  return dst;
}

}  // namespace swath
