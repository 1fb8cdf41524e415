/// Layers that exporters spell as several nodes, read back as one: fewer rows are kept, and what is written
/// and read again is the same network.
#pragma once

#include "swath/graph.h"

namespace swath {

/// Gelu, Mish, Swish, HardSwish, LayerNormalization over channels, and GroupNormalization with its scale and
/// bias. Nodes whose results are used elsewhere as well are left as they are.
void FuseSpellings(Graph* graph);

}  // namespace swath
