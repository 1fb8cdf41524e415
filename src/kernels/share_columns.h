/// Work on a row, shared out by columns.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/team.h"
#include "swath/range.h"

namespace swath {

/// compute(piece) for pieces that make up the columns, by all threads of the team if it is worth waking them.
template <class F>
void ShareColumns(Team* team, Range columns, int64_t terms_of_column, F&& compute) {
  constexpr int64_t kLeastWork = int64_t{1} << 20;  // worth waking a thread for
  const int64_t n = columns.size(), work = terms_of_column * n,
                pieces = team ? std::clamp<int64_t>(work / kLeastWork, 1, team->size()) : 1;
  for (int64_t i = 0; i < pieces; ++i) {
    const Range piece{columns.begin + n * i / pieces, columns.begin + n * (i + 1) / pieces};
    Share(pieces > 1 ? team : nullptr, [&compute, piece](int64_t) { compute(piece); });
  }
  if (pieces > 1) team->Wait();
}

}  // namespace swath
