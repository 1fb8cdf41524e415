/// The colours of classes, the same in every picture.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace swath {

/// RGB of a class. Distinct from one another and from haematoxylin and eosin, also to the colour-blind (after
/// Okabe and Ito's palette); they repeat after seven. Class 0, the background, has none and is never drawn.
constexpr std::array<uint8_t, 3> ClassColour(uint8_t c) {
  constexpr std::array<std::array<uint8_t, 3>, 7> kColours = {{{0, 158, 115},
                                                               {230, 159, 0},
                                                               {86, 180, 233},
                                                               {213, 94, 0},
                                                               {240, 228, 66},
                                                               {0, 114, 178},
                                                               {60, 60, 60}}};
  return kColours[(c + kColours.size() - 1) % kColours.size()];
}

}  // namespace swath
