/// A smaller image, each of whose pixels is the mean over the area that it covers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "swath/row_source.h"

namespace swath {

/// How the pixels under one result are combined.
enum class Combine {
  kMean,  ///< weighted by area, rounded to nearest
  kAll,   ///< the smallest: 255 only where every pixel touched is 255
};

/// Reads `source` row by row and shrinks it to width x height (neither larger than the source's). Result (x,
/// y) covers [x, x + 1) * source width / width and likewise in rows. All arithmetic is in integers, so it is
/// exact.
class AreaRows final : public RowSource {
 public:
  AreaRows(std::unique_ptr<RowSource> source, int64_t width, int64_t height, Combine combine);

  int64_t width() const override { return columns_.made.size(); }
  int64_t height() const override { return height_; }
  int64_t channels() const override { return source_->channels(); }
  int64_t natural_rows() const override;
  int64_t buffer_bytes() const override;
  void Read(Range rows, uint8_t* dst) override;
  std::unique_ptr<RowSource> Clone() const override { return CloneColumns({0, width()}); }
  std::unique_ptr<RowSource> CloneColumns(Range columns) const override;
  const std::string& name() const override { return source_->name(); }

 private:
  /// Across: the sizes of both images, and which columns of them this reads and makes.
  struct Columns {
    int64_t width = 0;
    int64_t source_width = 0;
    Range made;
    Range read;
  };
  AreaRows(std::unique_ptr<RowSource> source, const Columns& columns, int64_t height, Combine combine);

  void ReadRow(int64_t y, uint8_t* dst);
  void MeanOfColumns(uint8_t* dst) const;
  void SmallestOfColumns(uint8_t* dst) const;

  std::unique_ptr<RowSource> source_;
  Columns columns_;
  int64_t height_;
  Combine combine_;
  std::vector<uint8_t> row_ =  ///< one row of the source
      std::vector<uint8_t>(static_cast<size_t>(source_->width() * source_->channels()));
  /// The source rows under one result row, combined column by column.
  std::vector<uint64_t> combined_ = std::vector<uint64_t>(row_.size());
};

}  // namespace swath
