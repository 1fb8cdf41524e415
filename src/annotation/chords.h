/// Straight pieces of the rings of a polygon: which of them meet.
#pragma once

#include <cstddef>
#include <vector>

#include "swath/annotation.h"

namespace swath {

/// A straight line between two points of a ring. Those of a ring follow one another.
struct Chord {
  Point from;
  Point to;
  size_t ring = 0;   ///< 0: the outer one
  size_t begin = 0;  ///< what the caller calls its ends
  size_t end = 0;
};

/// The chords that have a point in common with another one, except that which a chord shares with the next.
std::vector<size_t> MeetingChords(const std::vector<Chord>& chords);

/// Whether every hole lies in the outer ring and in no other hole, where no chords meet.
bool HolesAreInside(const std::vector<Chord>& chords, size_t rings);

}  // namespace swath
