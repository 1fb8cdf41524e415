/// Seeds for layers that draw numbers: one a layer, whatever engine runs it.
#pragma once

#include <cstdint>
#include <string_view>

namespace swath {

/// FNV-1a.
inline uint64_t HashName(std::string_view name) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

/// The seed of the layer of that name in a step that has `seed`; 0 stays 0, which draws nothing.
inline uint64_t SeedOf(uint64_t seed, uint64_t name_hash) {
  if (seed == 0) return 0;
  const uint64_t mixed = (seed + 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9 ^ name_hash;
  return mixed == 0 ? 1 : mixed;
}

}  // namespace swath
