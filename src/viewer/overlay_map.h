/// A mask or a map of probability as a layer of a slide: its tiles in the colours of classes.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "viewer/result_files.h"
#include "viewer/tile_pyramid.h"

namespace swath::viewer {

class OverlayMap {
 public:
  /// `class_names`: of the labels 0, 1, …, as far as they are known. Throws Error where the file cannot be
  /// read, is no map, or has not the proportions of what it is to show of the slide.
  OverlayMap(const ResultFile& file, const SlideInfo& slide, const std::vector<std::string>& class_names);

  struct Class {
    uint8_t label = 0;
    std::string name;
    std::array<uint8_t, 3> colour{};  ///< RGB
  };

  const std::string& name() const { return name_; }
  /// Labels of a mask without the background; the one class of a map of probability; none of one of
  /// attention.
  const std::vector<Class>& classes() const { return classes_; }
  /// Whether pixels are labels rather than shades.
  bool is_mask() const { return kind_ == ResultFile::Kind::kLabels; }
  const Region& region() const { return region_; }
  const TilePyramid& pyramid() const { return pyramid_; }

  /// A PNG: the pixels of a label in its colour, all others transparent; of a map without labels all pixels,
  /// the more transparent the less they are.
  std::vector<uint8_t> Tile(const TileIndex& tile, uint8_t label) const;

 private:
  void FindClasses(const std::string& class_name, const std::vector<std::string>& class_names);

  std::string name_;
  ResultFile::Kind kind_;
  Region region_;
  TilePyramid pyramid_;
  std::vector<Class> classes_;
};

}  // namespace swath::viewer
