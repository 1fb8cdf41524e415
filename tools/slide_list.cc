#include "tools/slide_list.h"

#include <algorithm>
#include <cctype>
#include <set>

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

}  // namespace swath::tools
