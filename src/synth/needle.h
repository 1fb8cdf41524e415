/// A texture in a small disc of tissue, for slides whose label is whether they have one.
#pragma once

#include <memory>

#include "swath/row_source.h"
#include "swath/synth.h"

namespace swath {

class SynthScene;

/// A place for a disc that covers `share` of the tissue and lies well inside it. The same scene gives the
/// same place.
Needle PlaceNeedle(const SynthScene& scene, const SynthOptions& options, double share);

/// The image with a checkerboard of 4 px squares in the disc, a little lighter and darker in turn: over 8 px
/// its mean is that of the tissue, so that a thumbnail does not show it.
std::unique_ptr<RowSource> NeedleRows(std::unique_ptr<RowSource> image, const Needle& needle);

}  // namespace swath
