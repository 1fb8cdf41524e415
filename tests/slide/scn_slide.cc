#include "tests/slide/scn_slide.h"

#include <fmt/format.h>
#include <tiffio.h>

namespace swath::testing {
namespace {

std::string Dimension(int64_t level, int64_t page, const Image& image) {
  return fmt::format(R"(<dimension r="{}" ifd="{}" sizeX="{}" sizeY="{}"/>)", level, page, image.width,
                     image.height);
}

/// Lengths are in nanometres.
std::string ImageElement(int64_t x, int64_t y, int64_t width, int64_t height, const std::string& dimensions) {
  return fmt::format(
      "<image><creationDate>2020-01-01T00:00:00Z</creationDate><device model=\"made up\" version=\"1\"/>"
      "<pixels>{}</pixels><view sizeX=\"{}\" sizeY=\"{}\" offsetX=\"{}\" offsetY=\"{}\" spacingZ=\"0\"/>"
      "<scanSettings><objectiveSettings><objective>20</objective></objectiveSettings><illuminationSettings>"
      "<numericalAperture>0.4</numericalAperture><illuminationSource>brightfield</illuminationSource>"
      "</illuminationSettings></scanSettings></image>",
      dimensions, width, height, x, y);
}

}  // namespace

void WriteScn(const std::string& path, const Image& scan, const ScnSpec& spec) {
  const Image half = Subsample(scan, 2), macro = Smooth(64, 64 * spec.height / spec.width, 3);
  const int64_t nm = spec.mpp_nm;
  TiffSpec tiff{.tile_width = 128,
                .tile_height = 128,
                .compression = COMPRESSION_JPEG,
                .photometric = PHOTOMETRIC_YCBCR,
                .big = true,
                .mpp = static_cast<double>(nm) / 1000};
  tiff.description = fmt::format(
      "<?xml version=\"1.0\"?><scn xmlns=\"http://www.leica-microsystems.com/scn/2010/10/01\">"
      "<collection name=\"made up\" sizeX=\"{0}\" sizeY=\"{1}\"><barcode></barcode>{2}{3}</collection></scn>",
      spec.width * nm, spec.height * nm,
      ImageElement(0, 0, spec.width * nm, spec.height * nm, Dimension(0, 0, macro)),
      ImageElement(spec.x * nm, spec.y * nm, scan.width * nm, scan.height * nm,
                   Dimension(0, 1, scan) + Dimension(1, 2, half)));
  WriteTiff(path, {macro, scan, half}, tiff);
}

}  // namespace swath::testing
