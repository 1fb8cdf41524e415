/// Strips and panels: the units of work. A strip owns rows of the output, a panel columns; interval
/// arithmetic through the graph says which rows and columns of every other tensor they need, halo included.
/// With a reduction they own their share of the reduced tensor as well.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/program.h"
#include "swath/plan.h"
#include "swath/range.h"

namespace swath {

struct Sweep;

struct Strip {
  size_t part = 0;  ///< of the image, whose rows it cuts
  Range owned;      ///< rows of the output that feed the loss
  std::vector<Range>
      rows;  ///< by tensor: the rows that are computed, or read; clipped to the image; may be empty
};

struct Panel {
  size_t part = 0;                 ///< whose columns it cuts
  Range owned;                     ///< columns of the output that feed the loss
  std::vector<Range> columns;      ///< by tensor: those that are held
  std::vector<Range> src_columns;  ///< by op: what it reads of its sources
};

/// The strip that owns [part.begin / of, part.end / of) of everything.
Strip MakeStrip(const Program& program, const Sweep& sweep, Range part, int64_t of);

/// All rows and columns of the image.
Part WholeImage(const Program& program);

/// `count` strips of nearly equal height over some rows of the image, and the same share of what else is
/// owned. count is reduced to the number of rows of the tallest tensor that is owned.
std::vector<Strip> MakeStrips(const Program& program, const Sweep& sweep, Range rows, int64_t count);

/// `count` panels over some columns of the image; the inner edges of what they own are multiples of
/// `multiple`, so that all but the first and the last are alike. count is reduced to what that allows.
std::vector<Panel> MakePanels(const Program& program, Range columns, int64_t count, int64_t multiple);

/// The number of strips taken when the user asks for none: the largest power of two up to 8 for which the
/// input rows that strips repeat stay below 7 % of `rows`, or 25 % if they are two. Depends on network and
/// image only, so that results do not depend on the machine.
int64_t DefaultStrips(const Program& program, const Sweep& sweep, Range rows);

/// And that of panels in training, up to 8: of at least 16384 columns, since rings that caches do not hold
/// cost time, and of at least 64 halos each, so that few columns are repeated.
int64_t DefaultPanels(const Program& program);

}  // namespace swath
