/// The live rows of a tensor.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstdint>

#include "base/aligned_buffer.h"
#include "geometry/window.h"
#include "swath/range.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace swath {

/// Memory for `capacity` consecutive rows of a tensor of any height: row r lives in slot r mod capacity.
/// Layout [row, channel, column] with `margin` zeros before and after the columns of every channel. Rows are
/// opened in order and released in order; a released row is poisoned under AddressSanitizer, and reading it
/// is an assert.
template <class T>
class RowRing {
 public:
  struct Layout {
    int64_t capacity = 0;
    int64_t channels = 0;
    int64_t width = 0;
    int64_t margin = 0;

    /// Values from one channel of a row to the next.
    int64_t pitch() const { return RoundUp(margin, kLine) + RoundUp(width + margin, kLine); }
    int64_t bytes() const { return capacity * channels * pitch() * static_cast<int64_t>(sizeof(T)); }
  };

  RowRing() = default;
  explicit RowRing(const Layout& layout)
      : layout_(layout), values_(layout.capacity * layout.channels * layout.pitch()) {}

  /// Forgets all rows; the next one to be opened is `first`.
  void Reset(int64_t first) {
    live_ = {first, first};
    released_ = first;
  }

  const Range& live() const { return live_; }
  const Layout& layout() const { return layout_; }

  /// Makes row live().end live. Its values are whatever the slot held.
  void Open() {
    Drop();
    assert(live_.size() < layout_.capacity);
    Mark(live_.end, false);
    ++live_.end;
  }
  /// Opens rows up to `end`, zeroed.
  void OpenZeroed(int64_t end) {
    while (live_.end < end) {
      Open();
      for (int64_t c = 0; c < layout_.channels; ++c) std::fill_n(Row(live_.end - 1, c), layout_.width, T(0));
    }
  }
  /// Releases the rows before `begin`. Rows that are yet to be opened may be among them (a stride longer than
  /// the kernel leaves rows that nobody reads): they live until the next one is opened.
  void Release(int64_t begin) {
    released_ = std::max(released_, begin);
    Drop();
  }

  T* Row(int64_t row, int64_t channel) {
    assert(live_.contains(row));
    return Slot(row) + channel * layout_.pitch() + RoundUp(layout_.margin, kLine);
  }

 private:
  static constexpr int64_t kLine = kAlignment / static_cast<int64_t>(sizeof(T));

  void Drop() {
    for (; live_.begin < std::min(released_, live_.end); ++live_.begin) Mark(live_.begin, true);
  }

  T* Slot(int64_t row) {
    return values_.data() + row % layout_.capacity * layout_.channels * layout_.pitch();
  }

  void Mark([[maybe_unused]] int64_t row, [[maybe_unused]] bool poison) {
#if defined(__SANITIZE_ADDRESS__)
    const size_t bytes = static_cast<size_t>(layout_.channels * layout_.pitch()) * sizeof(T);
    if (poison) {
      __asan_poison_memory_region(Slot(row), bytes);
    } else {
      __asan_unpoison_memory_region(Slot(row), bytes);
    }
#endif
  }

  Layout layout_;
  AlignedBuffer<T> values_;
  Range live_;
  int64_t released_ = 0;  ///< rows before this one are not needed any more
};

}  // namespace swath
