/// What a map says of itself, in its OME-XML.
#pragma once

#include <string>
#include <vector>

namespace swath::viewer {

/// Names of the labels 0, 1, … that Swath writes into masks; none where the file is not such a one. Throws
/// Error (kInput) where a TIFF cannot be opened.
std::vector<std::string> ClassNames(const std::string& path);

}  // namespace swath::viewer
