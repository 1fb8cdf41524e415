/// The parts of a JPEG 2000 codestream (ISO/IEC 15444-1, annex A).
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace swath {

/// Throws Error (kInput) that begins with `name` where a codestream, or the one in a JP2 file, is cut off.
///
/// OpenJPEG's strict mode sees that within a tile-part only: of a tile whose last parts are missing it makes
/// a blurred picture, of one that is missing a black one.
void CheckJp2kIsWhole(const std::string& name, std::span<const uint8_t> frame);

}  // namespace swath
