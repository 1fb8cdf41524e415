/// Any bytes as a TIFF: the first rows of every level, or an Error.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "scratch_file.h"
#include "swath/error.h"
#include "swath/slide.h"

namespace {

// A few bytes may claim an image of any size; to allocate and decode all of it would test the machine.
constexpr int64_t kMostBytes = int64_t{64} << 20;

void ReadRows(swath::RowSource* rows) {
  if (!rows) return;
  const int64_t row_bytes = rows->width() * rows->channels();
  if (rows->buffer_bytes() > kMostBytes || row_bytes > kMostBytes / 4) return;
  std::vector<uint8_t> pixels(static_cast<size_t>(2 * row_bytes));
  rows->Read({0, std::min<int64_t>(2, rows->height())}, pixels.data());
  rows->Read({rows->height() - 1, rows->height()}, pixels.data());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Other formats are other libraries' to fuzz, OpenSlide's slowly.
  const bool is_tiff =
      size >= 4 && ((data[0] == 'I' && data[1] == 'I') || (data[0] == 'M' && data[1] == 'M'));
  if (!is_tiff) return -1;
  const swath::ScratchFile file(data, size);
  try {
    const auto slide = swath::Slide::Open(file.path());
    for (int level = 0; level < static_cast<int>(slide->info().levels.size()); ++level) {
      ReadRows(slide->OpenRows({.level = level}).get());
      ReadRows(slide->OpenExistence({.level = level}).get());
    }
  } catch (const swath::Error&) {
  }
  return 0;
}
