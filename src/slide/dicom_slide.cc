/// A series of DICOM whole slide images: each VOLUME instance is a level.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "base/error.h"
#include "slide/detect.h"
#include "slide/dicom_blocks.h"
#include "slide/format.h"

namespace swath {
namespace {

namespace fs = std::filesystem;

/// The instances of the same series in the same folder, `path` first.
std::vector<DicomImage> ReadSeries(const std::string& path) {
  std::vector<DicomImage> series;
  series.push_back(ReadDicomImage(path));
  std::vector<std::string> others;
  std::error_code problem;
  const fs::path folder = fs::path(path).parent_path();
  for (const auto& entry : fs::directory_iterator(folder.empty() ? "." : folder, problem)) {
    const fs::path file = folder / entry.path().filename();
    if (!entry.is_regular_file(problem) || fs::equivalent(file, path, problem)) continue;
    if (IsDicom(file.string()) && DicomSeries(file.string()) == series[0].series)
      others.push_back(file.string());
  }
  std::sort(others.begin(), others.end());
  for (const std::string& other : others) {
    DicomImage image = ReadDicomImage(other);
    // A copy of a file under another name.
    const bool known = std::any_of(series.begin(), series.end(),
                                   [&](const DicomImage& i) { return i.instance == image.instance; });
    if (!known) series.push_back(std::move(image));
  }
  return series;
}

bool IsLevelOf(const DicomImage& image, const DicomImage& whole) {
  const int64_t difference = image.width * whole.height - image.height * whole.width;
  return std::abs(difference) <= std::max(whole.width, whole.height);  // sizes are rounded
}

class DicomSlide final : public SlideFormat {
 public:
  explicit DicomSlide(const std::string& path) {
    std::vector<DicomImage> series = ReadSeries(path);
    if (series[0].kind == "VOLUME" || series[0].width == 0) CheckReadable(series[0]);
    std::stable_sort(series.begin(), series.end(),
                     [](const auto& a, const auto& b) { return a.width > b.width; });
    for (DicomImage& image : series) {
      if (image.kind == "VOLUME") {
        AddLevel(std::move(image));
      } else {
        info_.associated.push_back(fmt::format("{} ({}, {}x{})", image.kind.substr(0, 32),
                                               fs::path(image.path).filename().string(), image.width,
                                               image.height));
      }
    }
    if (levels_.empty()) {
      Fail(ErrorCode::kUnsupported, "{}: its series has no VOLUME image in this folder", path);
    }
    const DicomImage& whole = levels_.front()->image;
    info_.path = path;
    info_.format = "dicom";
    info_.decoder = Decoder(whole.coding);
    info_.series = whole.series;
    info_.vendor = whole.vendor;
    info_.mpp_x = whole.mpp_x;
    info_.mpp_y = whole.mpp_y;
    info_.grey = whole.samples == 1;
    info_.bounds = {0, 0, whole.width, whole.height};
  }

  std::unique_ptr<BlockReader> OpenLevel(int level, Pixels pixels) const override {
    return std::make_unique<DicomBlocks>(levels_[static_cast<size_t>(level)], pixels);
  }

  bool may_have_holes() const override {
    return std::any_of(levels_.begin(), levels_.end(), [](const auto& level) { return level->image.sparse; });
  }

 private:
  static void CheckReadable(const DicomImage& image) {
    if (image.refusal.empty()) return;
    Fail(ErrorCode::kUnsupported, "{}: Swath does not read {}", image.path, image.refusal);
  }

  static const char* Decoder(DicomCoding coding) {
    switch (coding) {
      case DicomCoding::kJpeg:
        return "libjpeg";
      case DicomCoding::kJp2k:
        return "openjpeg";
      case DicomCoding::kNative:
        break;
    }
    return "dcmtk";
  }

  /// Images come by width, the largest first.
  void AddLevel(DicomImage image) {
    CheckReadable(image);
    if (!levels_.empty()) {
      const DicomImage& last = levels_.back()->image;
      if (image.width == last.width) {
        Fail(ErrorCode::kUnsupported,
             "{}: its series has another image of {} columns, {}: expected one a level", image.path,
             image.width, last.path);
      }
      if (!IsLevelOf(image, levels_.front()->image)) {
        Fail(ErrorCode::kUnsupported, "{}: {}x{} pixels are not a level of {}, {}x{}, of the same series",
             image.path, image.width, image.height, levels_.front()->image.path, levels_.front()->image.width,
             levels_.front()->image.height);
      }
    }
    DicomFrames frames(image);
    const DicomImage& whole = levels_.empty() ? image : levels_.front()->image;
    const auto ratio = [](int64_t a, int64_t b) { return static_cast<double>(a) / static_cast<double>(b); };
    info_.levels.push_back(
        {.width = image.width,
         .height = image.height,
         .downsample = (ratio(whole.width, image.width) + ratio(whole.height, image.height)) / 2,
         .tile_width = image.tile_width,
         .tile_height = image.tile_height});
    levels_.push_back(std::make_shared<const DicomLevel>(DicomLevel{std::move(image), std::move(frames)}));
  }

  std::vector<std::shared_ptr<const DicomLevel>> levels_;
};

}  // namespace

std::shared_ptr<const SlideFormat> OpenDicom(const std::string& path) {
  return std::make_shared<DicomSlide>(path);
}

}  // namespace swath
