#include "kernels/repeats.h"

#include <algorithm>

#include "geometry/window.h"
#include "kernels/rows.h"

namespace swath {

Repeats::Repeats(int64_t columns, int64_t block)
    : reading_(static_cast<size_t>(columns / block + 1)), repeats_(reading_.size()) {
  stretches_.reserve(reading_.size());
}

int64_t Repeats::Bytes(int64_t columns, int64_t block) {
  return (columns / block + 1) * static_cast<int64_t>(2 * sizeof(uint8_t) + sizeof(Stretch));
}

void Repeats::Begin(int64_t n, int64_t block) {
  n_ = n;
  block_ = block;
  any_ = true;
  std::fill_n(reading_.begin(), n / block, uint8_t{1});
}

void Repeats::Read(std::span<const float* const> rows, int64_t width, const Reach& reach) {
  if (!any_) return;
  const int64_t block = block_ * reach.stride, blocks = width / block;
  std::fill_n(repeats_.begin(), blocks, uint8_t{1});
  rows::KeepRepeats(rows, width, block, repeats_);
  any_ = std::find(repeats_.begin(), repeats_.begin() + blocks, uint8_t{1}) != repeats_.begin() + blocks;
  if (!any_) return;
  for (int64_t i = 0; i < n_ / block_; ++i) {
    const int64_t first = FloorDiv(i * block + reach.from, block),
                  last = FloorDiv(((i + 1) * block_ - 1) * reach.stride + reach.to, block);
    uint8_t& reading = reading_[static_cast<size_t>(i)];
    if (first < 0 || last >= blocks) reading = 0;
    for (int64_t s = first; reading && s <= last; ++s) reading = repeats_[static_cast<size_t>(s)];
  }
}

std::span<const Stretch> Repeats::Stretches(std::span<const float* const> added_to) {
  stretches_.clear();
  const int64_t blocks = any_ ? n_ / block_ : 0;
  std::copy_n(reading_.begin(), blocks, repeats_.begin());
  if (any_) rows::KeepRepeats(added_to, n_, block_, repeats_);
  int64_t begin = 0;  // of columns that repeat nothing and are not repeated
  const auto end_plain = [&](int64_t end) {
    if (begin < end) stretches_.push_back({{begin, end}});
  };
  for (int64_t i = 0, next; i < blocks; i = next) {
    next = i + 1;
    while (next < blocks && repeats_[static_cast<size_t>(next)]) ++next;
    if (next == i + 1) continue;
    end_plain(i * block_);
    stretches_.push_back({{i * block_, (i + 1) * block_}, next - i - 1});
    begin = next * block_;
  }
  end_plain(n_);
  return stretches_;
}

}  // namespace swath
