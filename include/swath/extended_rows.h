/// Images made larger at the right and bottom, to a size that a network takes.
#pragma once

#include <cstdint>
#include <memory>

#include "swath/graph.h"
#include "swath/row_source.h"

namespace swath {

/// `source` with columns and rows of `value` added at the right and bottom, to width × height (at least its
/// own). For an image the value is the model's (ModelExtension), for labels the ignored one, so that what is
/// added carries no loss.
std::unique_ptr<RowSource> ExtendedRows(std::unique_ptr<RowSource> source, int64_t width, int64_t height,
                                        uint8_t value);

/// An image as the network takes it: extended to its multiple, with its value (see ModelMultiple and
/// ModelExtension).
std::unique_ptr<RowSource> ExtendedImage(const Graph& graph, std::unique_ptr<RowSource> image);

}  // namespace swath
