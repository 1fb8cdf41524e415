/// Where the tissue of a slide is, found at low resolution, and what is computed there alone.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "swath/part.h"
#include "swath/row_source.h"
#include "swath/slide.h"

namespace swath {

/// A map of a whole slide, of cells of about 8 um: cell (i, j) lies over the level-0 pixels from
/// i · slide width / width on, and likewise in rows.
struct TissueMap {
  int64_t width = 0;  ///< in cells
  int64_t height = 0;
  std::vector<uint8_t> cells = {};  ///< [row, column], 1 where there is tissue, else 0

  int64_t count() const;  ///< of cells that are tissue
};

/// The level-0 pixel size that is assumed of a slide which does not say it, in micrometres.
inline constexpr double kAssumedMpp = 0.5;

/// Finds the tissue of a slide on bright glass by its texture: where optical density varies within some 50 um
/// as cells and fibres make it vary. Pools of stain and smooth ink have no such texture; ink, rules, dust and
/// bubbles are told by their colour and their thinness. The outline is some 10 um outside of the tissue;
/// lumens and cracks up to 0.1 square millimetres belong to it, and what is smaller than 0.02 does not.
/// Reads the slide at 2 um a pixel, once and a few rows more. Throws Error (kUnsupported) for a slide that
/// is dark, as in fluorescence, or coarser than 8 um a pixel, and what reading throws. `progress` is told
/// rows done, of how many.
TissueMap FindTissue(const Slide& slide, const std::function<void(int64_t, int64_t)>& progress = {});

/// Reads it from what somebody drew or corrected: annotations, all of whose areas are tissue but for those of
/// the class Ignore*, or a mask in which 0 is glass. A cell is what its centre is. Throws Error as
/// ReadAnnotations and OpenMask do.
TissueMap ReadTissue(const std::string& path, const SlideInfo& slide);

/// Of an image that lies at `place`, one channel: 255 where there is tissue, else 0.
std::unique_ptr<RowSource> TissueRows(std::shared_ptr<const TissueMap> tissue, const ImagePlace& place);

/// Parts of the image that hold all of its tissue, not overlapping, and as few and small as pays: a part
/// costs `halo` pixels more in each direction. Inner edges are multiples of `multiple` pixels. Empty where
/// there is no tissue.
std::vector<Part> PartsOfTissue(const TissueMap& tissue, const ImagePlace& place, int64_t halo,
                                int64_t multiple);

}  // namespace swath
