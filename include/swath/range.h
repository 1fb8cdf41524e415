/// Half-open ranges of row or column indices.
#pragma once

#include <algorithm>
#include <cstdint>

namespace swath {

/// Indices begin, begin + 1, … end - 1. Empty when end <= begin; all empty ranges mean the same.
struct Range {
  int64_t begin = 0;
  int64_t end = 0;

  constexpr bool empty() const { return end <= begin; }
  constexpr int64_t size() const { return empty() ? 0 : end - begin; }
  constexpr bool contains(int64_t i) const { return begin <= i && i < end; }
  friend constexpr bool operator==(const Range& a, const Range& b) {
    return (a.empty() && b.empty()) || (a.begin == b.begin && a.end == b.end);
  }
};

constexpr Range Intersect(Range a, Range b) { return {std::max(a.begin, b.begin), std::min(a.end, b.end)}; }

/// The smallest range that holds both; an empty range adds nothing (it is never taken as [0, 0)).
constexpr Range Hull(Range a, Range b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  return {std::min(a.begin, b.begin), std::max(a.end, b.end)};
}

}  // namespace swath
