/// Layouts that are a rearrangement of a map which some layer does.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "graph/onnx_layout.h"

namespace swath {

/// Layers that bring a map into the order of a layout.
struct Move {
  std::shared_ptr<const Layer> layer;  ///< DepthToSpace or SpaceToDepth; may be null
  std::vector<int64_t> gather;         ///< the channels to be picked after it
};

/// The move that makes [1, C, H, W] of `layout`, which is one of `map`; nothing where no layer does it.
std::optional<Move> FindMove(const Layout& layout, const Shape& map);

}  // namespace swath
