/// Which files belong to a slide, by their names.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "swath/slide.h"

namespace swath::viewer {

/// What a file shows of a slide.
struct ResultFile {
  enum class Kind {
    kUnknown,      ///< an image whose name does not say it
    kLabels,       ///< a class a pixel
    kProbability,  ///< of `class_name`
    kAttention,
    kAnnotations,
  };
  std::string path;
  Kind kind = Kind::kUnknown;
  std::string name;                   ///< what to call it
  std::string class_name = {};        ///< of a map of probability
  std::optional<Region> region = {};  ///< of the slide that it shows; else the whole
  bool required = false;              ///< somebody named this very file
};

/// As `swath predict` names results, and others do: NAME_mask….tif, .png or .npy,
/// NAME_probability_CLASS.tif, NAME_attention.tif, NAME….geojson, .xml or .ndpa, also with .ome.tif; where
/// NAME is the slide's, with or without its ending, and perhaps _X_Y_WIDTHxHEIGHT of a region. Nothing where
/// the file is not such a one.
std::optional<ResultFile> MatchResult(const std::string& path, const std::string& slide);

/// The files of a folder that match, in order of their names.
std::vector<ResultFile> FindResults(const std::string& folder, const std::string& slide);

/// A file that is said to belong to a slide, whatever its name.
ResultFile DescribeResult(const std::string& path);

}  // namespace swath::viewer
