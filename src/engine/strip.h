/// Strips: the units of work. A strip owns rows of the output; interval arithmetic through the graph says
/// which rows of every other tensor it needs, halo included.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/program.h"
#include "swath/range.h"

namespace swath {

struct Strip {
  Range owned;  ///< rows of the output that feed the loss
  std::vector<Range>
      rows;  ///< by tensor: the rows that are computed, or read; clipped to the image; may be empty
};

Strip MakeStrip(const Program& program, Range owned);

/// `count` strips of nearly equal height over the whole output. count is reduced to the number of output
/// rows.
std::vector<Strip> MakeStrips(const Program& program, int64_t count);

/// The number of strips taken when the user asks for none: the largest power of two up to 8 for which the
/// input rows that strips repeat stay below 7 % of the image. Depends on network and image only, so that
/// results do not depend on the machine.
int64_t DefaultStrips(const Program& program);

}  // namespace swath
