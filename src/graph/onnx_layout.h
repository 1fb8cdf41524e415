/// Which axis of an ONNX tensor is what of a map. Exporters transpose maps, flatten pixels and split channels
/// around operators that want it so; a map stays [channel, row, column], and only this says how ONNX sees it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "swath/graph.h"

namespace swath {

/// A part of an axis of the map: index i of `size` stands for i · stride.
struct Atom {
  char axis = 'c';  ///< 'c' channels, 'h' rows, 'w' columns
  int64_t size = 1;
  int64_t stride = 1;

  friend bool operator==(const Atom&, const Atom&) = default;
};

/// By axis of the ONNX tensor what it is made of, the outermost first; nothing for an axis of one (the
/// batch).
using Layout = std::vector<std::vector<Atom>>;

/// An axis that is one of the map's, of `size`.
std::vector<Atom> WholeAxis(char axis, int64_t size);

/// [1, C, H, W]
Layout CanonicalLayout(const Shape& map);
/// [1, H, W, C]
Layout ChannelsLastLayout(const Shape& map);

/// The layout after a Reshape to `dims`, all of them known; nothing where it cuts across parts.
std::optional<Layout> ReshapeLayout(const Layout& layout, const std::vector<int64_t>& dims);
Layout TransposeLayout(const Layout& layout, const std::vector<int64_t>& perm);
Layout WithoutAxis(Layout layout, int64_t axis);

/// The axis that is all channels of the map, and nothing else; -1 where there is none. With a single channel
/// any axis of one will do, and `preferred` is taken.
int ChannelAxis(const Layout& layout, const Shape& map, int preferred);

/// All axes that are made of rows and columns only, and hold all of them; empty where there are none such.
std::vector<int> PixelAxes(const Layout& layout, const Shape& map);

}  // namespace swath
