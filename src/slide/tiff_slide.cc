#include "slide/tiff_slide.h"

#include <algorithm>
#include <cstdlib>
#include <set>
#include <utility>

#include "base/error.h"
#include "slide/tiff_blocks.h"
#include "slide/tiff_file.h"

namespace swath {
namespace {

constexpr size_t kMaxPages = 10000;

/// The pages from the current one on. A chain that meets itself is an error.
std::vector<TiffPage> ReadChain(TiffFile& file) {
  std::vector<TiffPage> chain;
  std::set<uint64_t> seen;
  do {
    chain.push_back(ReadTiffPage(file));
    if (!seen.insert(chain.back().offset).second) file.Fail("the pages form a loop");
    if (chain.size() > kMaxPages) file.Fail(fmt::format("more than {} pages", kMaxPages));
  } while (file.GoToNext());
  return chain;
}

/// Whether `page` shows the same field as `whole`, smaller, and can be read the same way.
bool IsLevelOf(const TiffPage& page, const TiffPage& whole) {
  if (!page.refusal.empty() || page.tiled != whole.tiled || page.samples != whole.samples ||
      page.orientation != whole.orientation)
    return false;
  if (page.width >= whole.width || page.height > whole.height) return false;
  // Level sizes are rounded: the proportions agree to a pixel.
  const int64_t difference = page.width * whole.height - page.height * whole.width;
  return std::abs(difference) <= std::max(whole.width, whole.height);
}

SlideLevel Describe(const TiffPage& page, const TiffPage& whole) {
  const auto ratio = [](int64_t a, int64_t b) { return static_cast<double>(a) / static_cast<double>(b); };
  SlideLevel level = {.width = page.width,
                      .height = page.height,
                      .downsample = (ratio(whole.width, page.width) + ratio(whole.height, page.height)) / 2,
                      .tile_width = page.tile_width,
                      .tile_height = page.tile_height};
  if (page.orientation.stored_rows_are_columns()) {
    std::swap(level.width, level.height);
    std::swap(level.tile_width, level.tile_height);
  }
  return level;
}

}  // namespace

TiffPages ReadTiffPages(const std::string& path) {
  TiffFile file(path);
  TiffPages result;
  result.ome = ReadOmeXml(path, file.Description());
  result.pages = ReadChain(file);
  for (const TiffPage& page : result.pages) {
    for (const uint64_t child : page.children) {
      file.GoTo(child);
      auto chain = ReadChain(file);
      if (&page != &result.pages.front()) continue;
      for (auto& level : chain) result.first_children.push_back(std::move(level));
    }
  }
  return result;
}

TiffSlide::TiffSlide(const std::string& path) {
  auto [pages, children, ome] = ReadTiffPages(path);
  const TiffPage whole = pages.front();
  if (ome && !ome->refusal.empty())
    Fail(ErrorCode::kUnsupported, "{}: Swath does not read {}", path, ome->refusal);
  if (!whole.refusal.empty())
    Fail(ErrorCode::kUnsupported, "{}: Swath does not read {}", path, whole.refusal);
  levels_.push_back(whole);
  for (auto& child : children) {
    if (IsLevelOf(child, whole)) levels_.push_back(std::move(child));
  }
  for (size_t i = 1; i < pages.size(); ++i) {
    // Pyramids in plain pages mark their levels as reduced, or at least store them in tiles.
    // In an OME-TIFF whole pages are other images.
    if (IsLevelOf(pages[i], whole) && (pages[i].reduced || (pages[i].tiled && !ome))) {
      levels_.push_back(std::move(pages[i]));
    } else {
      info_.associated.push_back(fmt::format("page {} ({}x{})", i, pages[i].width, pages[i].height));
    }
  }
  std::stable_sort(levels_.begin(), levels_.end(),
                   [](const auto& a, const auto& b) { return a.width > b.width; });
  levels_.erase(std::unique(levels_.begin(), levels_.end(),
                            [](const auto& a, const auto& b) { return a.width == b.width; }),
                levels_.end());
  info_.path = path;
  info_.format = "tiff";
  info_.decoder = whole.jp2k ? "openjpeg" : "libtiff";
  for (const auto& level : levels_) info_.levels.push_back(Describe(level, whole));
  info_.grey = whole.colour == TiffColour::kGrey || whole.colour == TiffColour::kInvertedGrey;
  info_.mpp_x = ome && ome->mpp_x ? ome->mpp_x : whole.mpp_x;
  info_.mpp_y = ome && ome->mpp_y ? ome->mpp_y : whole.mpp_y;
  if (whole.orientation.stored_rows_are_columns()) std::swap(info_.mpp_x, info_.mpp_y);
  info_.bounds = {0, 0, info_.levels.front().width, info_.levels.front().height};
}

std::unique_ptr<BlockReader> TiffSlide::OpenLevel(int level, Pixels pixels) const {
  const TiffPage& page = levels_[static_cast<size_t>(level)];
  return OrientBlocks(std::make_unique<TiffBlocks>(info_.path, page, pixels), pixels, page.orientation,
                      page.tile_width);
}

bool TiffSlide::may_have_holes() const {
  return std::any_of(levels_.begin(), levels_.end(),
                     [](const auto& level) { return level.sparse || level.alpha != TiffAlpha::kNone; });
}

std::shared_ptr<const SlideFormat> OpenTiff(const std::string& path) {
  return std::make_shared<TiffSlide>(path);
}

}  // namespace swath
