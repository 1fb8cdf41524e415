#include "swath/pyramid_writer.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/pending_file.h"
#include "output/downsample.h"
#include "output/parallel_for.h"
#include "output/tiff_directories.h"
#include "output/tile_encoder.h"
#include "output/tile_spool.h"

namespace swath {
namespace {

constexpr int64_t kShortestSide = 512;

/// One level, and the row of tiles of it that is being filled.
struct Level {
  int64_t width = 0;
  int64_t height = 0;
  int64_t tiles_across = 0;
  int64_t pitch = 0;   ///< bytes from one buffered row to the next: whole tiles
  int64_t filled = 0;  ///< rows in the buffer
  int64_t done = 0;    ///< rows above the buffer
  std::vector<uint8_t> rows = {};
  std::vector<TileSpool::Entry> spooled = {};

  int64_t row_bytes() const { return kTileSide * pitch; }  ///< of a row of tiles
};

int64_t ChannelsOf(PyramidPixels pixels) { return pixels == PyramidPixels::kRgb ? 3 : 1; }

Sample SampleOf(PyramidPixels pixels) {
  return pixels == PyramidPixels::kFloat32 ? Sample::kFloat32 : Sample::kUint8;
}

TileFormat FormatOf(PyramidPixels pixels) {
  switch (pixels) {
    case PyramidPixels::kRgb:
      return TileFormat::kJpegYCbCr;
    case PyramidPixels::kFloat32:
      return TileFormat::kDeflateFloat32;
    case PyramidPixels::kGrey:
    case PyramidPixels::kLabels:
      break;
  }
  return TileFormat::kDeflateGrey;
}

std::vector<Level> MakeLevels(const PyramidOptions& options) {
  const int64_t pixel_bytes = ChannelsOf(options.pixels) * SampleBytes(SampleOf(options.pixels));
  std::vector<Level> levels;
  int64_t width = options.width;
  int64_t height = options.height;
  while (true) {
    const int64_t across = (width + kTileSide - 1) / kTileSide;
    const int64_t pitch = across * kTileSide * pixel_bytes;
    levels.push_back({.width = width, .height = height, .tiles_across = across, .pitch = pitch});
    if (std::min(width, height) <= kShortestSide) return levels;
    width = (width + 1) / 2;
    height = (height + 1) / 2;
  }
}

}  // namespace

class PyramidWriter::Impl {
 public:
  Impl(const std::string& path, const PyramidOptions& options);

  void WriteRows(const uint8_t* rows, int64_t count);
  void Finish();

 private:
  Halving HalvingInto(size_t level) const;
  TiffDirectory Directory(size_t level);
  void FillEdges(Level& level) const;
  void FlushTileRow(size_t index);
  void WriteTileRow(size_t index);
  void HalveTileRow(size_t index);

  PyramidOptions options_;
  int64_t channels_;
  Sample sample_;
  int64_t pixel_bytes_ = channels_ * SampleBytes(sample_);
  PendingFile file_;
  std::vector<Level> levels_;
  std::vector<std::unique_ptr<TileEncoder>> encoders_;  // one a thread
  std::optional<TileSpool> spool_;
  std::optional<TiffDirectories> tiff_;  // after file_: closed before the file is removed
};

PyramidWriter::Impl::Impl(const std::string& path, const PyramidOptions& options)
    : options_(options),
      channels_(ChannelsOf(options.pixels)),
      sample_(SampleOf(options.pixels)),
      file_(path) {
  constexpr int64_t kLongestSide = std::numeric_limits<int32_t>::max();
  if (std::min(options.width, options.height) < 1 || std::max(options.width, options.height) > kLongestSide) {
    Fail(ErrorCode::kOutput, "{}: a TIFF of {} x {} px is not possible: sides are 1 to {} px", path,
         options.width, options.height, kLongestSide);
  }
  levels_ = MakeLevels(options);
  for (Level& level : levels_) level.rows.resize(static_cast<size_t>(level.row_bytes()));
  for (int i = 0; i < std::max(options.threads, 1); ++i) {
    encoders_.push_back(options.pixels == PyramidPixels::kRgb ? MakeJpegTileEncoder(options.quality)
                                                              : MakeDeflateTileEncoder(pixel_bytes_));
  }
  tiff_.emplace(file_.temporary(), path);
  if (levels_.size() > 1) spool_.emplace(path);
  tiff_->Begin(Directory(0));
}

// Of 2 x 2 labels none is the nearest: taking the bottom right one and the top left one in turn keeps every
// level within half of its pixels' size of the level-0 centre, where always taking the same would drift to a
// corner.
Halving PyramidWriter::Impl::HalvingInto(size_t level) const {
  if (options_.pixels != PyramidPixels::kLabels) return Halving::kAreaAverage;
  return level % 2 == 1 ? Halving::kNearestBottomRight : Halving::kNearestTopLeft;
}

TiffDirectory PyramidWriter::Impl::Directory(size_t level) {
  const double downsample = static_cast<double>(int64_t{1} << level);
  const bool below = level == 0 && options_.levels == PyramidLevels::kSubIfds;
  return {.width = levels_[level].width,
          .height = levels_[level].height,
          .format = FormatOf(options_.pixels),
          .jpeg_tables = encoders_.front()->Tables(),
          .mpp_x = options_.mpp_x * downsample,
          .mpp_y = options_.mpp_y * downsample,
          .reduced = level > 0,
          .children = static_cast<uint16_t>(below ? levels_.size() - 1 : 0),
          .description = level == 0 ? options_.description : std::string()};
}

void PyramidWriter::Impl::WriteRows(const uint8_t* rows, int64_t count) {
  Level& top = levels_.front();
  if (top.done + top.filled + count > top.height) {
    Fail(ErrorCode::kOutput, "{}: {} rows written, {} expected", file_.path(), top.done + top.filled + count,
         top.height);
  }
  const int64_t row_bytes = top.width * pixel_bytes_;
  while (count > 0) {
    const int64_t now = std::min(count, kTileSide - top.filled);
    for (int64_t y = 0; y < now; ++y) {
      std::memcpy(top.rows.data() + (top.filled + y) * top.pitch, rows + y * row_bytes, row_bytes);
    }
    rows += now * row_bytes;
    count -= now;
    top.filled += now;
    if (top.filled == kTileSide || top.done + top.filled == top.height) FlushTileRow(0);
  }
}

// Beyond the image a tile repeats the last pixel: JPEG rings at anything else.
void PyramidWriter::Impl::FillEdges(Level& level) const {
  for (int64_t y = 0; y < level.filled; ++y) {
    uint8_t* row = level.rows.data() + y * level.pitch;
    for (int64_t i = level.width * pixel_bytes_; i < level.pitch; ++i) row[i] = row[i - pixel_bytes_];
  }
  const uint8_t* last = level.rows.data() + (level.filled - 1) * level.pitch;
  for (int64_t y = level.filled; y < kTileSide; ++y) {
    std::memcpy(level.rows.data() + y * level.pitch, last, level.pitch);
  }
}

void PyramidWriter::Impl::FlushTileRow(size_t index) {
  FillEdges(levels_[index]);
  WriteTileRow(index);
  const bool has_next = index + 1 < levels_.size();
  if (has_next) HalveTileRow(index);
  levels_[index].done += levels_[index].filled;
  levels_[index].filled = 0;
  if (!has_next) return;
  const Level& next = levels_[index + 1];
  if (next.filled == kTileSide || next.done + next.filled == next.height) FlushTileRow(index + 1);
}

void PyramidWriter::Impl::WriteTileRow(size_t index) {
  Level& level = levels_[index];
  std::vector<std::vector<uint8_t>> encoded(level.tiles_across);
  ParallelFor(options_.threads, level.tiles_across, [&](int worker, int64_t i) {
    encoded[i] = encoders_[worker]->Encode(level.rows.data() + i * kTileSide * pixel_bytes_, level.pitch);
  });
  const int64_t first = level.done / kTileSide * level.tiles_across;
  for (int64_t i = 0; i < level.tiles_across; ++i) {
    if (index == 0) {
      tiff_->WriteTile(first + i, encoded[i]);
    } else {
      level.spooled.push_back(spool_->Append(encoded[i]));
    }
  }
}

// A row of tiles is an even number of rows unless it is the last: the next level's buffer always has room.
void PyramidWriter::Impl::HalveTileRow(size_t index) {
  const Level& level = levels_[index];
  Level& next = levels_[index + 1];
  const HalvingRows rows{.src = level.rows.data(),
                         .src_rows = level.filled,
                         .src_columns = level.width,
                         .src_pitch = level.pitch,
                         .dst = next.rows.data() + next.filled * next.pitch,
                         .dst_pitch = next.pitch,
                         .channels = channels_,
                         .sample = sample_};
  const int64_t made = (level.filled + 1) / 2;
  ParallelFor(options_.threads, made, [&](int, int64_t y) { HalveRow(rows, HalvingInto(index + 1), y); });
  next.filled += made;
}

void PyramidWriter::Impl::Finish() {
  if (levels_.front().done != levels_.front().height) {
    Fail(ErrorCode::kOutput, "{}: {} rows written, {} expected", file_.path(),
         levels_.front().done + levels_.front().filled, levels_.front().height);
  }
  tiff_->End();
  for (size_t index = 1; index < levels_.size(); ++index) {
    tiff_->Begin(Directory(index));
    const std::vector<TileSpool::Entry>& tiles = levels_[index].spooled;
    for (size_t i = 0; i < tiles.size(); ++i) {
      std::vector<uint8_t> bytes = spool_->Read(tiles[i]);
      tiff_->WriteTile(static_cast<int64_t>(i), bytes);
    }
    tiff_->End();
  }
  tiff_->Close();
  file_.Commit();
}

PyramidWriter::PyramidWriter(const std::string& path, const PyramidOptions& options)
    : impl_(std::make_unique<Impl>(path, options)) {}
PyramidWriter::~PyramidWriter() = default;
void PyramidWriter::WriteRows(const uint8_t* rows, int64_t count) { impl_->WriteRows(rows, count); }
void PyramidWriter::Finish() { impl_->Finish(); }

int64_t PyramidWriter::BufferBytes(const PyramidOptions& options) {
  const std::vector<Level> levels = MakeLevels(options);
  int64_t bytes = levels.front().row_bytes();
  for (const Level& level : levels) bytes += level.row_bytes();
  return bytes;
}

}  // namespace swath
