#include <algorithm>
#include <string>
#include <utility>

#include "swath/tissue.h"
#include "tissue/tissue_cells.h"

namespace swath {
namespace {

class Rows final : public RowSource {
 public:
  Rows(std::shared_ptr<const TissueMap> tissue, const ImagePlace& place)
      : tissue_(std::move(tissue)),
        columns_(ColumnsOf(*tissue_, place)),
        rows_(RowsOf(*tissue_, place)),
        width_(place.width),
        height_(place.height) {}

  int64_t width() const override { return width_; }
  int64_t height() const override { return height_; }
  int64_t channels() const override { return 1; }
  int64_t natural_rows() const override { return 1; }
  int64_t buffer_bytes() const override {
    return static_cast<int64_t>((columns_.edges.size() + rows_.edges.size()) * sizeof(int64_t));
  }
  const std::string& name() const override { return name_; }
  std::unique_ptr<RowSource> Clone() const override { return std::make_unique<Rows>(*this); }

  void Read(Range rows, uint8_t* dst) override {
    for (int64_t y = rows.begin; y < rows.end; ++y, dst += width_) {
      const auto edge = std::upper_bound(rows_.edges.begin(), rows_.edges.end(), y);
      const int64_t row = rows_.first + (edge - rows_.edges.begin()) - 1;
      const uint8_t* cells = tissue_->cells.data() + row * tissue_->width + columns_.first;
      for (int64_t i = 0; i < columns_.cells(); ++i) {
        const size_t at = static_cast<size_t>(i);
        std::fill(dst + columns_.edges[at], dst + columns_.edges[at + 1],
                  static_cast<uint8_t>(cells[i] == 0 ? 0 : 255));
      }
    }
  }

 private:
  std::shared_ptr<const TissueMap> tissue_;
  CellAxis columns_, rows_;
  int64_t width_, height_;
  std::string name_ = "tissue";
};

}  // namespace

std::unique_ptr<RowSource> TissueRows(std::shared_ptr<const TissueMap> tissue, const ImagePlace& place) {
  return std::make_unique<Rows>(std::move(tissue), place);
}

}  // namespace swath
