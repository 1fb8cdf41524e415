/// An augmentation as a chain of readers.
#include "swath/augment.h"

namespace swath {
namespace {

std::unique_ptr<RowSource> Orient(std::unique_ptr<RowSource> source, const Orientation& orientation) {
  const auto [transpose, mirror_columns, mirror_rows] = orientation;
  if (transpose) {
    // What mirrors the rows afterwards mirrors the columns before, which is the cheaper.
    if (mirror_rows) source = MirrorColumns(std::move(source));
    source = Transpose(std::move(source));
  } else if (mirror_rows) {
    source = MirrorRows(std::move(source));
  }
  return mirror_columns ? MirrorColumns(std::move(source)) : std::move(source);
}

}  // namespace

std::unique_ptr<RowSource> AugmentImage(std::unique_ptr<RowSource> image, const Augmentation& augmentation) {
  image = Orient(std::move(image), augmentation.orientation);
  if (augmentation.stain != StainJitter{}) image = JitterStains(std::move(image), augmentation.stain);
  if (augmentation.tone != Tone{}) image = AdjustTone(std::move(image), augmentation.tone);
  return image;
}

std::unique_ptr<RowSource> AugmentLabels(std::unique_ptr<RowSource> labels,
                                         const Augmentation& augmentation) {
  return Orient(std::move(labels), augmentation.orientation);
}

}  // namespace swath
