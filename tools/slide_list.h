/// Which files of a folder are slides.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace swath::tools {

/// ".tif" of "a.TIF".
std::string LowerCaseEnding(const std::filesystem::path& path);

/// By their names, in order of them. What a folder holds beside slides (masks, tables) is none of our
/// business. Of a DICOM series one file stands for all.
std::vector<std::string> SlidesIn(const std::string& folder);

}  // namespace swath::tools
