#include <memory>

#include "swath/annotation.h"
#include "swath/tissue.h"
#include "tissue/tissue_cells.h"

namespace swath {
TissueMap ReadTissue(const std::string& path, const SlideInfo& slide) {
  TissueMap map = EmptyTissueMap(slide);
  const ImagePlace place = PlaceOfWhole(slide.levels.front(), map.width, map.height);
  std::unique_ptr<RowSource> labels;
  if (IsAnnotationFile(path)) {
    const Annotations annotations = ReadAnnotations(path, &slide);
    LabelRules rules{.elsewhere = 0, .ignore = 0};
    for (const std::string& name : annotations.Classes())
      rules.classes[name] =
          name == kIgnoredClass ? LabelRule{LabelRule::Kind::kIgnore} : LabelRule{LabelRule::Kind::kLabel, 1};
    labels = OpenAnnotationLabels(annotations, rules, place);
  } else {
    labels = OpenMask(path, place);
  }
  labels->Read({0, map.height}, map.cells.data());
  for (uint8_t& cell : map.cells) cell = cell != 0;
  return map;
}

}  // namespace swath
