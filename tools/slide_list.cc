#include "tools/slide_list.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "base/error.h"
#include "swath/dataset.h"
#include "swath/slide.h"

namespace swath::tools {
namespace {

namespace fs = std::filesystem;

bool LooksLikeSlide(const fs::path& path) {
  static const std::vector<std::string> endings = {".svs",     ".tif", ".tiff", ".ndpi", ".mrxs",
                                                   ".dcm",     ".scn", ".vms",  ".vmu",  ".bif",
                                                   ".svslide", ".png", ".jpg",  ".jpeg"};
  const std::string ending = LowerCaseEnding(path);
  return std::find(endings.begin(), endings.end(), ending) != endings.end();
}

/// A DICOM slide has a file for each of its levels and pictures.
void KeepOneOfEachSeries(std::vector<std::string>* slides) {
  std::set<std::string> seen;
  std::erase_if(*slides, [&seen](const std::string& slide) {
    return LowerCaseEnding(slide) == ".dcm" && !seen.insert(Slide::Open(slide)->info().series).second;
  });
}

}  // namespace

std::string LowerCaseEnding(const fs::path& path) {
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return ending;
}

bool IsCsv(const fs::path& path) { return LowerCaseEnding(path) == ".csv"; }

std::vector<std::string> SlidesIn(const std::string& folder) {
  std::vector<std::string> slides;
  for (const auto& file : fs::directory_iterator(folder)) {
    if (file.is_regular_file() && LooksLikeSlide(file.path()) &&
        !file.path().stem().string().ends_with("_mask"))
      slides.push_back(file.path().string());
  }
  std::sort(slides.begin(), slides.end());
  KeepOneOfEachSeries(&slides);
  return slides;
}

std::vector<ListedSlide> ListSlides(const std::string& input, const SlideOptions& options) {
  std::vector<ListedSlide> slides;
  if (fs::is_directory(input)) {
    for (const std::string& path : SlidesIn(input)) slides.push_back({path, options});
    if (slides.empty()) Fail(ErrorCode::kInput, "{}: no slide in this folder", input);
    return slides;
  }
  if (!IsCsv(input)) return {{input, options}};
  std::set<std::string> seen;  // a slide may have several regions
  for (const DatasetEntry& entry : OpenDataset(input, {.slide = options, .labels = Labels::kNone}).entries) {
    if (seen.insert(entry.slide).second) slides.push_back({entry.slide, entry.slide_options});
  }
  return slides;
}

}  // namespace swath::tools
