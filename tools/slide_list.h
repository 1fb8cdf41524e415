/// Which files of a folder are slides.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "swath/slide.h"

namespace swath::tools {

/// ".tif" of "a.TIF".
std::string LowerCaseEnding(const std::filesystem::path& path);

/// Whether an input is a data set rather than a slide.
bool IsCsv(const std::filesystem::path& path);

/// By their names, in order of them. What a folder holds beside slides (masks, tables) is none of our
/// business. Of a DICOM series one file stands for all.
std::vector<std::string> SlidesIn(const std::string& folder);

struct ListedSlide {
  std::string path;
  SlideOptions options = {};  ///< how it is opened
};

/// A slide, the slides of a folder, or those of a data set's CSV file, each once. Throws Error as OpenDataset
/// does, and kInput for an empty folder.
std::vector<ListedSlide> ListSlides(const std::string& input, const SlideOptions& options);

}  // namespace swath::tools
