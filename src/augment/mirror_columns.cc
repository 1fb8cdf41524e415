/// Left becomes right.
#include <algorithm>

#include "augment/wrapped_rows.h"
#include "swath/augment.h"

namespace swath {
namespace {

class MirroredColumns final : public WrappedRows {
 public:
  using WrappedRows::WrappedRows;

  std::unique_ptr<RowSource> Clone() const override {
    return std::make_unique<MirroredColumns>(source_->Clone());
  }
  std::unique_ptr<RowSource> CloneColumns(Range columns) const override {
    return std::make_unique<MirroredColumns>(
        source_->CloneColumns({width() - columns.end, width() - columns.begin}));
  }

  void Read(Range rows, uint8_t* dst) override {
    source_->Read(rows, dst);
    const int64_t pixel = channels();
    for (int64_t y = rows.begin; y < rows.end; ++y, dst += row_bytes()) {
      uint8_t *left = dst, *right = dst + row_bytes() - pixel;
      for (; left < right; left += pixel, right -= pixel) std::swap_ranges(left, left + pixel, right);
    }
  }
};

}  // namespace

std::unique_ptr<RowSource> MirrorColumns(std::unique_ptr<RowSource> source) {
  return std::make_unique<MirroredColumns>(std::move(source));
}

}  // namespace swath
