#include "graph/onnx_moves.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "layers/layers.h"

namespace swath {
namespace {

/// [{}, {c'}, {h, c1}, {w, c2}]: pixels that are in channels.
std::optional<Move> AsDepthToSpace(const Layout& layout, const Shape& map) {
  if (layout.size() != 4 || layout[2].empty() || layout[3].empty()) return std::nullopt;
  const Atom row = layout[2].back(), column = layout[3].back();
  const int64_t block = row.size;
  if (row.axis != 'c' || column.axis != 'c' || column.size != block) return std::nullopt;
  const auto rest = [](std::vector<Atom> axis) {
    axis.pop_back();
    return axis;
  };
  if (rest(layout[2]) != WholeAxis('h', map.height) || rest(layout[3]) != WholeAxis('w', map.width))
    return std::nullopt;
  const int64_t channels = map.channels / (block * block);
  for (const DepthOrder order : {DepthOrder::kCrd, DepthOrder::kDcr}) {
    const bool crd = order == DepthOrder::kCrd;
    const int64_t stride = crd ? 1 : channels;
    const std::vector<Atom> outer =
        channels == 1 ? std::vector<Atom>{} : std::vector<Atom>{{'c', channels, crd ? block * block : 1}};
    if (row.stride == block * stride && column.stride == stride && layout[1] == outer)
      return Move{MakeDepthToSpace(block, order), {}};
  }
  return std::nullopt;
}

/// The channels that atoms go through, the innermost fastest; index(atom, i) is what the i-th of an atom
/// adds.
template <class F>
std::vector<int64_t> WalkAtoms(const std::vector<Atom>& atoms, F&& index) {
  std::vector<int64_t> walked = {0};
  for (const Atom& atom : atoms) {
    std::vector<int64_t> next;
    for (const int64_t base : walked) {
      for (int64_t i = 0; i < atom.size; ++i) next.push_back(base + index(atom, i));
    }
    walked = std::move(next);
  }
  return walked;
}

/// [{}, atoms of c in any order, {h}, {w}]: channels that are shuffled.
std::optional<Move> AsPermutation(const Layout& layout, const Shape& map) {
  const Layout canonical = CanonicalLayout(map);
  if (layout.size() != 4 || layout[2] != canonical[2] || layout[3] != canonical[3]) return std::nullopt;
  const auto& atoms = layout[1];
  if (!std::all_of(atoms.begin(), atoms.end(), [](const Atom& atom) { return atom.axis == 'c'; }))
    return std::nullopt;
  auto channels = WalkAtoms(atoms, [](const Atom& atom, int64_t i) { return i * atom.stride; });
  if (static_cast<int64_t>(channels.size()) != map.channels) return std::nullopt;
  return Move{nullptr, std::move(channels)};
}

/// [{}, {c, h1, w1} in any order, {h0}, {w0}]: blocks of pixels that go to channels.
std::optional<Move> AsSpaceToDepth(const Layout& layout, const Shape& map) {
  if (layout.size() != 4) return std::nullopt;
  int64_t block = 1;
  for (const Atom& atom : layout[1]) {
    if (atom.axis == 'h') block = atom.size;
  }
  if (block == 1) return std::nullopt;
  const auto outer = [&](char axis, int64_t size) {
    return size == block ? std::vector<Atom>{} : std::vector<Atom>{{axis, size / block, block}};
  };
  if (layout[2] != outer('h', map.height) || layout[3] != outer('w', map.width)) return std::nullopt;
  for (const Atom& atom : layout[1]) {
    if (atom.axis != 'c' && (atom.size != block || atom.stride != 1)) return std::nullopt;
  }
  auto channels = WalkAtoms(layout[1], [&](const Atom& atom, int64_t i) {
    if (atom.axis == 'c') return i * atom.stride;
    return i * map.channels * (atom.axis == 'h' ? block : 1);
  });
  if (static_cast<int64_t>(channels.size()) != map.channels * block * block) return std::nullopt;
  return Move{MakeSpaceToDepth(block), std::move(channels)};
}

}  // namespace

std::optional<Move> FindMove(const Layout& layout, const Shape& map) {
  for (const auto& as : {AsDepthToSpace, AsPermutation, AsSpaceToDepth}) {
    if (auto move = as(layout, map)) return move;
  }
  return std::nullopt;
}

}  // namespace swath
