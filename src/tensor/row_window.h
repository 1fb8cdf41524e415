/// A view of a few consecutive rows of a tensor, as kernels see them.
#pragma once

#include <cassert>
#include <cstdint>

#include "swath/range.h"

namespace swath {

/// Rows [rows.begin, rows.end) of the image, every one inside it; rows outside the image are padding and are
/// simply not there. Layout: one pointer per (row, channel) to `width` values, with at least the margin that
/// the kernel asked for readable as zeros on both sides. Channels of one window may come from several
/// tensors, which is how a concatenation costs nothing. A null pointer in a gradient window marks a channel
/// that needs no gradient.
template <class T>
struct RowWindow {
  Range rows;
  int64_t channels = 0;
  int64_t width = 0;
  T* const* pointers = nullptr;  ///< [row - rows.begin][channel]

  T* At(int64_t row, int64_t channel) const {
    assert(rows.contains(row));
    return pointers[(row - rows.begin) * channels + channel];
  }
  T* const* Row(int64_t row) const {
    assert(rows.contains(row));
    return pointers + (row - rows.begin) * channels;
  }
};

}  // namespace swath
