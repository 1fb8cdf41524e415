#include <algorithm>
#include <utility>

#include "swath/tissue.h"
#include "tissue/tissue_cells.h"

namespace swath {
namespace {

class TissueLabels final : public RowSource {
 public:
  TissueLabels(std::unique_ptr<RowSource> labels, std::shared_ptr<const TissueMap> tissue, CellAxis columns,
               CellAxis rows, uint8_t ignore_label)
      : labels_(std::move(labels)),
        tissue_(std::move(tissue)),
        columns_(std::move(columns)),
        rows_(std::move(rows)),
        ignore_label_(ignore_label) {}

  int64_t width() const override { return labels_->width(); }
  int64_t height() const override { return labels_->height(); }
  int64_t channels() const override { return 1; }
  int64_t natural_rows() const override { return labels_->natural_rows(); }
  int64_t buffer_bytes() const override {
    return labels_->buffer_bytes() +
           static_cast<int64_t>((columns_.edges.size() + rows_.edges.size()) * sizeof(int64_t));
  }
  const std::string& name() const override { return labels_->name(); }
  std::unique_ptr<RowSource> Clone() const override {
    return std::make_unique<TissueLabels>(labels_->Clone(), tissue_, columns_, rows_, ignore_label_);
  }

  void Read(Range rows, uint8_t* dst) override {
    labels_->Read(rows, dst);
    for (int64_t y = rows.begin; y < rows.end; ++y, dst += width()) {
      const auto edge = std::upper_bound(rows_.edges.begin(), rows_.edges.end(), y);
      const int64_t row = rows_.first + (edge - rows_.edges.begin()) - 1;
      const uint8_t* cells = tissue_->cells.data() + row * tissue_->width + columns_.first;
      for (int64_t i = 0; i < columns_.cells(); ++i) {
        const size_t at = static_cast<size_t>(i);
        if (cells[i] == 0) std::fill(dst + columns_.edges[at], dst + columns_.edges[at + 1], ignore_label_);
      }
    }
  }

 private:
  std::unique_ptr<RowSource> labels_;
  std::shared_ptr<const TissueMap> tissue_;
  CellAxis columns_, rows_;
  uint8_t ignore_label_;
};

}  // namespace

std::unique_ptr<RowSource> LabelsOfTissue(std::unique_ptr<RowSource> labels,
                                          std::shared_ptr<const TissueMap> tissue, const ImagePlace& place,
                                          uint8_t ignore_label) {
  CellAxis columns = ColumnsOf(*tissue, place), rows = RowsOf(*tissue, place);
  return std::make_unique<TissueLabels>(std::move(labels), std::move(tissue), std::move(columns),
                                        std::move(rows), ignore_label);
}

}  // namespace swath
