/// What an OME-TIFF says of its image.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "swath/pyramid_writer.h"

namespace swath {

struct OmeImage {
  std::string name;
  std::string channel;                                ///< what its only channel shows
  std::optional<std::array<uint8_t, 3>> colour = {};  ///< RGB that viewers show the channel in
  std::vector<std::string> labels = {};               ///< names of the labels 0, 1, … of a mask
};

/// The OME-XML of one channel of the pyramid's size and pixels, after the schema of 2016-06
/// (http://www.openmicroscopy.org/Schemas/OME/2016-06/ome.xsd), ASCII only. Names of labels become a map
/// annotation of the namespace "swath/labels".
std::string OmeXml(const PyramidOptions& pyramid, const OmeImage& image);

}  // namespace swath
