#include "graph/onnx_layout.h"

#include <algorithm>

namespace swath {
namespace {

/// Leaves out atoms of one, and joins neighbours that are one.
std::vector<Atom> Simplify(const std::vector<Atom>& atoms) {
  std::vector<Atom> simple;
  for (const Atom& atom : atoms) {
    if (atom.size == 1) continue;
    if (!simple.empty() && simple.back().axis == atom.axis &&
        simple.back().stride == atom.size * atom.stride) {
      simple.back().size *= atom.size;
      simple.back().stride = atom.stride;
    } else {
      simple.push_back(atom);
    }
  }
  return simple;
}

Layout Simplify(Layout layout) {
  for (auto& axis : layout) axis = Simplify(axis);
  return layout;
}

}  // namespace

std::vector<Atom> WholeAxis(char axis, int64_t size) {
  return size == 1 ? std::vector<Atom>{} : std::vector<Atom>{{axis, size, 1}};
}

Layout CanonicalLayout(const Shape& map) {
  return {{}, WholeAxis('c', map.channels), WholeAxis('h', map.height), WholeAxis('w', map.width)};
}

Layout ChannelsLastLayout(const Shape& map) { return TransposeLayout(CanonicalLayout(map), {0, 2, 3, 1}); }

std::optional<Layout> ReshapeLayout(const Layout& layout, const std::vector<int64_t>& dims) {
  std::vector<Atom> atoms;
  for (const auto& axis : layout) atoms.insert(atoms.end(), axis.begin(), axis.end());
  size_t next = 0;
  Layout result;
  for (const int64_t dim : dims) {
    std::vector<Atom>& axis = result.emplace_back();
    for (int64_t rest = dim; rest > 1;) {
      if (next == atoms.size()) return std::nullopt;
      Atom& atom = atoms[next];
      if (rest % atom.size == 0) {
        axis.push_back(atom);
        rest /= atom.size;
        ++next;
      } else if (atom.size % rest == 0) {
        const int64_t inner = atom.size / rest;
        axis.push_back({atom.axis, rest, atom.stride * inner});
        atom.size = inner;
        rest = 1;
      } else {
        return std::nullopt;
      }
    }
  }
  if (next != atoms.size()) return std::nullopt;
  return Simplify(result);
}

Layout TransposeLayout(const Layout& layout, const std::vector<int64_t>& perm) {
  Layout result;
  for (const int64_t axis : perm) result.push_back(layout[static_cast<size_t>(axis)]);
  return result;
}

Layout WithoutAxis(Layout layout, int64_t axis) {
  layout.erase(layout.begin() + axis);
  return layout;
}

int ChannelAxis(const Layout& layout, const Shape& map, int preferred) {
  if (map.channels == 1) return layout[static_cast<size_t>(preferred)].empty() ? preferred : -1;
  const std::vector<Atom> all = {{'c', map.channels, 1}};
  for (size_t i = 0; i < layout.size(); ++i) {
    if (layout[i] == all) return static_cast<int>(i);
  }
  return -1;
}

std::vector<int> PixelAxes(const Layout& layout, const Shape& map) {
  std::vector<int> axes;
  int64_t pixels = 1;
  for (size_t i = 0; i < layout.size(); ++i) {
    const auto is_pixel = [](const Atom& atom) { return atom.axis != 'c'; };
    if (layout[i].empty() || !std::all_of(layout[i].begin(), layout[i].end(), is_pixel)) continue;
    axes.push_back(static_cast<int>(i));
    for (const Atom& atom : layout[i]) pixels *= atom.size;
  }
  if (pixels != map.height * map.width) return {};
  return axes;
}

}  // namespace swath
