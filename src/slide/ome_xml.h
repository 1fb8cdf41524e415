/// The OME-XML in a TIFF's first description.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace swath {

struct OmeContents {
  std::optional<double> mpp_x, mpp_y;  ///< of the first image, micrometres
  std::string refusal;                 ///< why the first image is no plain slide; empty if it is one
};

/// Nothing if `description` is not OME-XML. `path` is the TIFF, for messages. Throws Error (kInput) if it is
/// damaged.
std::optional<OmeContents> ReadOmeXml(const std::string& path, std::string_view description);

}  // namespace swath
