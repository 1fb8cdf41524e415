/// Top becomes bottom.
#include "augment/wrapped_rows.h"
#include "swath/augment.h"

namespace swath {
namespace {

class MirroredRows final : public WrappedRows {
 public:
  using WrappedRows::WrappedRows;

  std::unique_ptr<RowSource> Clone() const override {
    return std::make_unique<MirroredRows>(source_->Clone());
  }
  std::unique_ptr<RowSource> CloneColumns(Range columns) const override {
    return std::make_unique<MirroredRows>(source_->CloneColumns(columns));
  }

  void ExpectRows(Range rows) override { source_->ExpectRows({height() - rows.end, height() - rows.begin}); }

  /// One row at a time, so that the source, which keeps the block that it read last, goes up block by block
  /// wherever blocks begin.
  void Read(Range rows, uint8_t* dst) override {
    for (int64_t y = rows.begin; y < rows.end; ++y, dst += row_bytes())
      source_->Read({height() - 1 - y, height() - y}, dst);
  }
};

}  // namespace

std::unique_ptr<RowSource> MirrorRows(std::unique_ptr<RowSource> source) {
  return std::make_unique<MirroredRows>(std::move(source));
}

}  // namespace swath
