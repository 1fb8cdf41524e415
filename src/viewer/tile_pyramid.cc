#include "viewer/tile_pyramid.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <utility>

#include "geometry/window.h"
#include "output/shrink.h"
#include "slide/area_rows.h"
#include "slide/level_rows.h"
#include "viewer/reader_pool.h"

namespace swath::viewer {
namespace {

/// A file whose smallest level is larger gets a smaller one, in memory: else an overview would read all of
/// it, and again for every level above.
constexpr int64_t kOverviewSide = 4096;
/// Level sizes are rounded: a downsample of 3.99 or 4.01 is meant to be 4.
constexpr double kDownsampleTolerance = 0.01;
constexpr int64_t kUsualTileSide = 512;

int64_t ChooseTileSide(const SlideLevel& level) {
  const int64_t stored = level.tile_width;
  if (stored != level.tile_height || stored < 64 || stored > 2 * kUsualTileSide) return kUsualTileSide;
  return stored * std::max<int64_t>(1, kUsualTileSide / stored);
}

/// Pixels of a level in memory.
class MemoryBlocks final : public BlockReader {
 public:
  explicit MemoryBlocks(std::shared_ptr<const Picture> picture) : picture_(std::move(picture)) {}
  int64_t width() const override { return picture_->width; }
  int64_t height() const override { return picture_->height; }
  int64_t block_rows() const override { return 16; }
  int64_t buffer_bytes() const override { return static_cast<int64_t>(picture_->pixels.size()); }
  void Read(int64_t block, Range columns, uint8_t* dst) override {
    const int64_t bytes = columns.size() * picture_->channels;
    for (int64_t y = block * 16; y < std::min(block * 16 + 16, height()); ++y, dst += bytes) {
      std::memcpy(dst, picture_->pixels.data() + (y * width() + columns.begin) * picture_->channels,
                  static_cast<size_t>(bytes));
    }
  }
  std::unique_ptr<BlockReader> Clone() const override { return std::make_unique<MemoryBlocks>(picture_); }

 private:
  std::shared_ptr<const Picture> picture_;
};

/// Where pixels [begin, end) of an image of `whole` lie in a level of `length`: rounded to nearest, not
/// empty.
Range ToLevel(Range pixels, int64_t whole, int64_t length) {
  const double scale = static_cast<double>(length) / static_cast<double>(whole);
  const auto round = [scale](int64_t v) { return std::llround(static_cast<double>(v) * scale); };
  const int64_t first = std::min<int64_t>(round(pixels.begin), length - 1);
  return {first, std::clamp<int64_t>(round(pixels.end), first + 1, length)};
}

void ReadNearest(RowSource& rows, Picture* picture) {
  std::vector<uint8_t> row(static_cast<size_t>(rows.width()));
  uint8_t* dst = picture->pixels.data();
  for (int64_t y = 0; y < picture->height; ++y) {
    const int64_t source = (2 * y + 1) * rows.height() / (2 * picture->height);
    rows.Read({source, source + 1}, row.data());
    for (int64_t x = 0; x < picture->width; ++x)
      *dst++ = row[static_cast<size_t>((2 * x + 1) * rows.width() / (2 * picture->width))];
  }
}

}  // namespace

struct TilePyramid::Window {
  Range rows, columns;  ///< of level 0
};

/// A level to read from. The readers of one that is made in memory appear when it is made.
struct TilePyramid::Source {
  int64_t width = 0;
  int64_t height = 0;
  double downsample = 1;
  std::once_flag once = {};
  std::unique_ptr<ReaderPool> readers = {};
};

TilePyramid::TilePyramid(std::shared_ptr<const SlideFormat> format, Pixels pixels, Reduction reduction)
    : format_(std::move(format)),
      pixels_(pixels),
      reduction_(reduction),
      tile_side_(ChooseTileSide(info().levels.front())) {
  const auto add = [this](int64_t wide, int64_t high, double downsample) {
    sources_.push_back(std::make_unique<Source>());
    sources_.back()->width = wide;
    sources_.back()->height = high;
    sources_.back()->downsample = downsample;
  };
  for (const SlideLevel& level : info().levels) add(level.width, level.height, level.downsample);
  const Source& coarsest = *sources_.back();
  const int64_t factor = CeilDiv(std::max(coarsest.width, coarsest.height), kOverviewSide);
  if (factor > 1) {
    add(std::max<int64_t>(1, coarsest.width / factor), std::max<int64_t>(1, coarsest.height / factor),
        coarsest.downsample * static_cast<double>(factor));
  }
  while (CeilDiv(std::max(width(), height()), int64_t{1} << (levels_ - 1)) > tile_side_) ++levels_;
}

TilePyramid::~TilePyramid() = default;

bool TilePyramid::Has(const TileIndex& tile) const {
  if (tile.level < 0 || tile.level >= levels_ || tile.column < 0 || tile.row < 0) return false;
  const int64_t side = tile_side_ << tile.level;
  return tile.column < CeilDiv(width(), side) && tile.row < CeilDiv(height(), side);
}

/// The coarsest that is still as fine.
const TilePyramid::Source& TilePyramid::SourceFor(double downsample) const {
  size_t found = 0;
  for (size_t i = 0; i < sources_.size(); ++i) {
    if (sources_[i]->downsample <= downsample * (1 + kDownsampleTolerance)) found = i;
  }
  Source& source = *sources_[found];
  std::call_once(source.once, [&] {
    if (found < info().levels.size()) {
      source.readers = std::make_unique<ReaderPool>(format_->OpenLevel(static_cast<int>(found), pixels_));
    } else {
      MakeOverview(&source);
    }
  });
  return source;
}

void TilePyramid::MakeOverview(Source* source) const {
  const Source& finer = SourceFor(info().levels.back().downsample);
  source->readers =
      std::make_unique<ReaderPool>(std::make_unique<MemoryBlocks>(std::make_shared<const Picture>(
          Shrunk(finer, {{0, height()}, {0, width()}}, source->width, source->height))));
}

/// The part of a level at the size that is wanted, or at its own where that is smaller.
Picture TilePyramid::Shrunk(const Source& source, const Window& window, int64_t wide, int64_t high) const {
  const LevelWindow part{ToLevel(window.rows, height(), source.height),
                         ToLevel(window.columns, width(), source.width)};
  std::unique_ptr<RowSource> rows =
      std::make_unique<LevelRows>(info().path, source.readers->Lend(), part, pixels_);
  Picture picture{.width = std::min(wide, rows->width()),
                  .height = std::min(high, rows->height()),
                  .channels = rows->channels()};
  picture.pixels.resize(static_cast<size_t>(picture.width * picture.height * picture.channels));
  const bool same = picture.width == rows->width() && picture.height == rows->height();
  if (!same && reduction_ == Reduction::kNearest) {
    ReadNearest(*rows, &picture);
    return picture;
  }
  if (!same)
    rows = std::make_unique<AreaRows>(std::move(rows), picture.width, picture.height, Combine::kMean);
  rows->Read({0, picture.height}, picture.pixels.data());
  return picture;
}

Picture TilePyramid::Read(const TileIndex& tile) const {
  assert(Has(tile));
  const int64_t side = tile_side_ << tile.level;
  const Window window{{tile.row * side, std::min((tile.row + 1) * side, height())},
                      {tile.column * side, std::min((tile.column + 1) * side, width())}};
  const double downsample = std::ldexp(1.0, static_cast<int>(tile.level));
  const Source& source = SourceFor(downsample);
  // A level of this downsample is taken as it is, though rounding may have made it a pixel more or less.
  if (std::abs(source.downsample / downsample - 1) <= kDownsampleTolerance)
    return Shrunk(source, window, source.width, source.height);
  return Shrunk(source, window, CeilDiv(window.columns.size(), int64_t{1} << tile.level),
                CeilDiv(window.rows.size(), int64_t{1} << tile.level));
}

Picture TilePyramid::Thumbnail(int64_t side) const {
  const PictureSize size = FitPicture(width(), height(), side);
  return Shrunk(SourceFor(static_cast<double>(width()) / static_cast<double>(size.wide)),
                {{0, height()}, {0, width()}}, size.wide, size.high);
}

}  // namespace swath::viewer
