/// The pyramid in a TIFF.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "slide/format.h"
#include "slide/ome_xml.h"
#include "slide/tiff_page.h"

namespace swath {

/// All pages of a file, in order; the SubIFDs of the first apart. Throws Error if any is damaged or they form
/// a loop.
struct TiffPages {
  std::vector<TiffPage> pages;
  std::vector<TiffPage> first_children;
  std::optional<OmeContents> ome;  ///< what the first page's description says
};
TiffPages ReadTiffPages(const std::string& path);

class TiffSlide final : public SlideFormat {
 public:
  explicit TiffSlide(const std::string& path);
  std::unique_ptr<BlockReader> OpenLevel(int level, Pixels pixels) const override;
  bool may_have_holes() const override;

 private:
  std::vector<TiffPage> levels_;
};

}  // namespace swath
