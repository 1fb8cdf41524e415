#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "swath/tissue.h"
#include "tissue/morphology.h"
#include "tissue/tissue_cells.h"

namespace swath {
namespace {

constexpr double kFineMicrometres = 2;

/// Standard deviation of optical density (natural) that tissue has in a window. Glass and pools of stain have
/// below 0.02, haematoxylin and eosin 0.2 to 0.6.
constexpr double kTexture = 0.06;

/// Micrometres: half of a window's side; what its blur at an edge is trimmed by; half of the thickness that
/// is removed; half of the gap that is closed.
constexpr double kWindow = 24, kTrim = 16, kThin = 16, kGap = 32;

/// Square millimetres.
constexpr double kLeastTissue = 0.02, kLeastHole = 0.1;

/// A window of which less than this can be judged is not tissue.
constexpr double kLeastJudged = 0.3;

using Histograms = std::array<std::array<int64_t, 256>, 3>;

/// The value that a share of the pixels does not exceed.
int Percentile(const std::array<int64_t, 256>& histogram, double share) {
  int64_t all = 0;
  for (const int64_t count : histogram) all += count;
  int64_t below = 0;
  int value = 0;
  while (value < 255 && static_cast<double>(below += histogram[static_cast<size_t>(value)]) <
                            share * static_cast<double>(all))
    ++value;
  return value;
}

/// Of some rows, evenly spaced.
Histograms Sample(RowSource* rows) {
  constexpr int64_t kSampled = 64;
  Histograms histograms{};
  std::vector<uint8_t> rgb(static_cast<size_t>(rows->width() * 3));
  const int64_t count = std::min(kSampled, rows->height());
  for (int64_t i = 0; i < count; ++i) {
    const int64_t y = i * rows->height() / count;
    rows->Read({y, y + 1}, rgb.data());
    for (size_t x = 0; x < rgb.size(); ++x) ++histograms[x % 3][rgb[x]];
  }
  return histograms;
}

/// Optical densities of bytes, of red, green and blue, counted from the glass.
class Densities {
 public:
  Densities(const Histograms& histograms, const std::string& path) {
    constexpr int kDarkest = 60;
    const int middle = Percentile(histograms[1], 0.5);
    if (middle < kDarkest) {
      Fail(ErrorCode::kUnsupported,
           "{}: expected tissue on bright glass, found a slide half of whose pixels are {} of 255 or darker: "
           "draw the tissue, or take all of the slide",
           path, middle);
    }
    for (size_t c = 0; c < 3; ++c) {
      const double glass = Percentile(histograms[c], 0.98) + 1;
      for (size_t v = 0; v < 256; ++v)
        table_[c][v] = static_cast<float>(std::max(0.0, std::log(glass / static_cast<double>(v + 1))));
    }
  }

  std::array<float, 3> operator()(const uint8_t* rgb) const {
    return {table_[0][rgb[0]], table_[1][rgb[1]], table_[2][rgb[2]]};
  }

 private:
  std::array<std::array<float, 256>, 3> table_;
};

/// Whether this is nothing that stains tissue: ink, dust and rules, or no light at all. Haematoxylin has
/// densities of red, green and blue in the proportion 65 : 70 : 29, eosin 7 : 99 : 11, diaminobenzidine
/// 27 : 57 : 78 (Ruifrok and Johnston 2001).
bool IsForeign(const std::array<float, 3>& density, bool grey) {
  const auto [red, green, blue] = density;
  const float most = std::max({red, green, blue}), least = std::min({red, green, blue});
  if (least > 2.0f) return true;
  if (grey || most < 0.1f) return false;
  const bool cold_ink = red > 1.3f * green, red_ink = blue > 0.75f * green && red < 0.33f * green;
  return cold_ink || red_ink || most - least < 0.2f * most;
}

/// Sums over pixels of a cell or a window, of those that can be judged.
struct Sums {
  double pixels = 0, judged = 0, density = 0, squares = 0;

  void Add(double sign, const Sums& other) {
    pixels += sign * other.pixels;
    judged += sign * other.judged;
    density += sign * other.density;
    squares += sign * other.squares;
  }

  bool AreTextured() const {
    if (judged == 0 || judged < kLeastJudged * pixels) return false;
    const double mean = density / judged;
    return squares / judged - mean * mean > kTexture * kTexture;
  }
};

/// By cell of a row.
using CellRow = std::vector<Sums>;

/// Fine rows come in, rows of cells go out to the map as soon as the window around them is complete.
class Texture {
 public:
  Texture(int64_t fine_width, int64_t fine_height, const Densities& densities, bool grey, int64_t radius,
          TissueMap* map)
      : fine_width_(fine_width),
        fine_height_(fine_height),
        densities_(densities),
        grey_(grey),
        radius_(radius),
        map_(map),
        ring_(static_cast<size_t>(2 * radius + 1), CellRow(static_cast<size_t>(map->width))),
        window_(static_cast<size_t>(map->width)) {}

  /// The next row.
  void Add(const uint8_t* rgb) {
    const int64_t row = y_++ * map_->height / fine_height_;
    if (row != row_) Complete(row);
    CellRow& cells = ring_[Slot(row)];
    for (int64_t x = 0; x < fine_width_; ++x, rgb += 3) {
      Sums& sums = cells[static_cast<size_t>(x * map_->width / fine_width_)];
      sums.pixels += 1;
      const std::array<float, 3> density = densities_(rgb);
      if (IsForeign(density, grey_)) continue;
      const double green = density[1];
      sums.judged += 1;
      sums.density += green;
      sums.squares += green * green;
    }
  }

  void Finish() {
    // Rows that the last windows would have below the slide.
    for (int64_t row = row_ + 1; row <= map_->height - 1 + radius_ + 1; ++row) Complete(row);
  }

 private:
  size_t Slot(int64_t row) const { return static_cast<size_t>(row) % ring_.size(); }

  /// Row row_ has all of its pixels, `next` begins.
  void Complete(int64_t next) {
    if (row_ < map_->height) AddToWindow(1, ring_[Slot(row_)]);
    const int64_t centre = row_ - radius_;
    if (centre >= 0) Judge(centre);
    if (centre >= radius_) AddToWindow(-1, ring_[Slot(centre - radius_)]);
    row_ = next;
    std::fill(ring_[Slot(next)].begin(), ring_[Slot(next)].end(), Sums{});
  }

  void AddToWindow(double sign, const CellRow& row) {
    for (size_t x = 0; x < row.size(); ++x) window_[x].Add(sign, row[x]);
  }

  /// A row of cells, by the window's rows around it.
  void Judge(int64_t row) {
    Sums sums;
    for (int64_t x = -radius_; x < map_->width; ++x) {
      if (x + radius_ < map_->width) sums.Add(1, window_[static_cast<size_t>(x + radius_)]);
      if (x > radius_) sums.Add(-1, window_[static_cast<size_t>(x - radius_ - 1)]);
      if (x >= 0) map_->cells[static_cast<size_t>(row * map_->width + x)] = sums.AreTextured();
    }
  }

  int64_t fine_width_, fine_height_;
  const Densities& densities_;
  bool grey_;
  int64_t radius_;
  TissueMap* map_;
  std::vector<CellRow> ring_;  ///< as many rows as a window has
  CellRow window_;             ///< their sums, by column
  int64_t y_ = 0;
  int64_t row_ = 0;
};

/// At kFineMicrometres, or the finest level where that is coarser.
RowOptions FineRows(const SlideInfo& info) {
  if (!info.mpp_x || !info.mpp_y) return {.level = 0};
  const double mpp = (*info.mpp_x + *info.mpp_y) / 2;
  if (mpp > kCellMicrometres) {
    Fail(ErrorCode::kUnsupported,
         "{}: expected pixels of {} um or less, by which tissue is told from glass, found {:.4g} um",
         info.path, kCellMicrometres, mpp);
  }
  if (mpp >= kFineMicrometres) return {.level = 0};
  return {.mpp = kFineMicrometres};
}

}  // namespace

TissueMap FindTissue(const Slide& slide, const std::function<void(int64_t, int64_t)>& progress) {
  const SlideInfo& info = slide.info();
  TissueMap map = EmptyTissueMap(info);
  const auto rows = slide.OpenRows(FineRows(info));
  const Densities densities(Sample(slide.OpenRows(FineRows(info)).get()), info.path);
  const auto cells = [](double micrometres) { return std::llround(micrometres / kCellMicrometres); };
  Texture texture(rows->width(), rows->height(), densities, info.grey, cells(kWindow), &map);
  std::vector<uint8_t> rgb(static_cast<size_t>(rows->natural_rows() * rows->width() * 3));
  for (int64_t y = 0; y < rows->height(); y += rows->natural_rows()) {
    const Range block{y, std::min(y + rows->natural_rows(), rows->height())};
    rows->Read(block, rgb.data());
    for (int64_t i = 0; i < block.size(); ++i) texture.Add(rgb.data() + i * rows->width() * 3);
    if (progress) progress(block.end, rows->height());
  }
  texture.Finish();
  Spread(0, cells(kTrim), &map);
  Spread(0, cells(kThin), &map);
  Spread(1, cells(kThin), &map);
  Spread(1, cells(kGap), &map);
  Spread(0, cells(kGap), &map);
  const auto area = [](double square_millimetres) {
    return std::llround(square_millimetres * 1e6 / (kCellMicrometres * kCellMicrometres));
  };
  RemoveSmall(0, area(kLeastHole), &map);
  RemoveSmall(1, area(kLeastTissue), &map);
  return map;
}

}  // namespace swath
