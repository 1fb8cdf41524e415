/// Brightness and contrast.
#include <algorithm>
#include <array>
#include <cmath>

#include "augment/wrapped_rows.h"
#include "swath/augment.h"

namespace swath {
namespace {

class ToneRows final : public WrappedRows {
 public:
  ToneRows(std::unique_ptr<RowSource> source, const Tone& tone)
      : WrappedRows(std::move(source)), tone_(tone) {
    for (size_t v = 0; v < table_.size(); ++v) {
      const double value = (static_cast<double>(v) * tone.brightness - 127.5) * tone.contrast + 127.5;
      table_[v] = static_cast<uint8_t>(std::lround(std::clamp(value, 0.0, 255.0)));
    }
  }

  std::unique_ptr<RowSource> Clone() const override {
    return std::make_unique<ToneRows>(source_->Clone(), tone_);
  }
  std::unique_ptr<RowSource> CloneColumns(Range columns) const override {
    return std::make_unique<ToneRows>(source_->CloneColumns(columns), tone_);
  }

  void Read(Range rows, uint8_t* dst) override {
    source_->Read(rows, dst);
    std::transform(dst, dst + rows.size() * row_bytes(), dst, [this](uint8_t v) { return table_[v]; });
  }

 private:
  Tone tone_;
  std::array<uint8_t, 256> table_{};
};

}  // namespace

std::unique_ptr<RowSource> AdjustTone(std::unique_ptr<RowSource> source, const Tone& tone) {
  return std::make_unique<ToneRows>(std::move(source), tone);
}

}  // namespace swath
