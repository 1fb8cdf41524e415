#include "train/region_sampler.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/random.h"

namespace swath {
namespace {

constexpr int kDraws = 50;
constexpr int64_t kRowsAtOnce = 16;

/// 0 to count - 1.
int64_t Below(int64_t count, SplitMix64* random) {
  return static_cast<int64_t>(random->Next() % static_cast<uint64_t>(count));
}

/// Calls f(y, labels of row y) from the top down until it returns false.
template <class F>
void ForEachRow(RowSource* labels, F&& f) {
  std::vector<uint8_t> rows(static_cast<size_t>(kRowsAtOnce * labels->width()));
  for (int64_t y = 0; y < labels->height(); ++y) {
    const int64_t i = y % kRowsAtOnce;
    if (i == 0) labels->Read({y, std::min(y + kRowsAtOnce, labels->height())}, rows.data());
    if (!f(y, rows.data() + i * labels->width())) return;
  }
}

struct Pixel {
  int64_t x, y;
};

/// Any pixel whose label counts, all as likely; nothing where there is none.
std::optional<Pixel> DrawPixel(RowSource* labels, const std::array<bool, 256>& counts, SplitMix64* random) {
  const auto is_label = [&](uint8_t label) { return counts[label]; };
  const int64_t width = labels->width();
  std::optional<Pixel> drawn;
  int64_t seen = 0;
  ForEachRow(labels, [&](int64_t y, const uint8_t* row) {
    const int64_t here = std::count_if(row, row + width, is_label);
    seen += here;
    // Of the pixels so far one of this row, by their share.
    if (here > 0 && Below(seen, random) < here) {
      int64_t x = 0;
      for (int64_t left = Below(here, random); !is_label(row[x]) || left-- > 0;) ++x;
      drawn = Pixel{x, y};
    }
    return true;
  });
  return drawn;
}

bool AnyCounts(RowSource* labels, const std::array<bool, 256>& counts) {
  bool found = false;
  ForEachRow(labels, [&](int64_t, const uint8_t* row) {
    found = std::any_of(row, row + labels->width(), [&](uint8_t label) { return counts[label]; });
    return !found;
  });
  return found;
}

}  // namespace

DatasetEntry DrawRegion(const Dataset& dataset, const DatasetEntry& entry, const RegionSampling& sampling,
                        int64_t visit) {
  const int64_t width = std::min(sampling.size.width, entry.width()),
                height = std::min(sampling.size.height, entry.height());
  // A stream of its own.
  SplitMix64 random(SplitMix64(sampling.seed ^ 0x726567696f6e7321).Next() + static_cast<uint64_t>(visit));
  for (int i = 0; i < kDraws; ++i) {
    const int64_t x = Below(entry.width() - width + 1, &random),
                  y = Below(entry.height() - height + 1, &random);
    DatasetEntry part = PartOf(dataset, entry, {x, y, width, height});
    if (AnyCounts(OpenLabels(dataset, part, sampling.ignore_label).get(), sampling.counts)) return part;
  }
  const auto labels = OpenLabels(dataset, entry, sampling.ignore_label);
  const std::optional<Pixel> pixel = DrawPixel(labels.get(), sampling.counts, &random);
  if (!pixel) Fail(ErrorCode::kInput, "no pixel has a label that counts");
  // Anywhere around it.
  const auto around = [&](int64_t at, int64_t size, int64_t length) {
    const int64_t first = std::max<int64_t>(0, at - size + 1), last = std::min(at, length - size);
    return first + Below(last - first + 1, &random);
  };
  const int64_t x = around(pixel->x, width, entry.width()), y = around(pixel->y, height, entry.height());
  return PartOf(dataset, entry, {x, y, width, height});
}

}  // namespace swath
