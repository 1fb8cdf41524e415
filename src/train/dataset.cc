#include "swath/dataset.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <map>
#include <utility>

#include "base/error.h"
#include "base/parse_number.h"
#include "swath/extended_rows.h"
#include "swath/model.h"
#include "train/csv.h"

namespace swath {
namespace {

constexpr std::array kColumns = {"slide",       "mask",   "split", "region",
                                 "mask_covers", "target", "mpp",   "tissue"};
enum Column : size_t { kSlide, kMask, kSplit, kRegion, kMaskCovers, kTarget, kMpp, kTissue };

/// Where each of kColumns stands in a record; -1 for one that the file does not have.
using Columns = std::array<int, kColumns.size()>;

Columns ReadHeader(const std::string& path, const CsvRecord& header, Labels labels) {
  Columns columns;
  columns.fill(-1);
  for (size_t i = 0; i < header.fields.size(); ++i) {
    const auto column = std::find(kColumns.begin(), kColumns.end(), header.fields[i]);
    if (column == kColumns.end()) {
      Fail(ErrorCode::kInput,
           "{}:{}: header: expected slide,mask,split and perhaps region,mask_covers,target,mpp,tissue, found "
           "'{}'",
           path, header.line, header.fields[i]);
    }
    int& index = columns[static_cast<size_t>(column - kColumns.begin())];
    if (index >= 0) Fail(ErrorCode::kInput, "{}:{}: header: column '{}' twice", path, header.line, *column);
    index = static_cast<int>(i);
  }
  std::vector<size_t> required = {kSlide};
  if (labels == Labels::kMasks || labels == Labels::kTargets)
    required = {kSlide, labels == Labels::kMasks ? kMask : kTarget, kSplit};
  std::vector<std::string> names;
  for (const size_t column : required) names.emplace_back(kColumns[column]);
  for (const size_t column : required) {
    if (columns[column] >= 0) continue;
    Fail(ErrorCode::kInput, "{}:{}: header: expected {}, found no column '{}'", path, header.line,
         fmt::join(names, ","), kColumns[column]);
  }
  return columns;
}

/// Puts file, line and column in front of what goes wrong while a field is looked at.
template <class F>
auto AtColumn(const std::string& path, int64_t line, const char* column, F&& look) {
  try {
    return look();
  } catch (const Error& e) {
    Fail(e.code(), "{}:{}: {}: {}", path, line, column, e.what());
  }
}

Split ParseSplit(const std::string& text) {
  for (const Split split : {Split::kTrain, Split::kValidation, Split::kTest}) {
    if (ToString(split) == text) return split;
  }
  Fail(ErrorCode::kInput, "expected train, val or test, found '{}'", text);
}

MaskCovers ParseMaskCovers(const std::string& text) {
  if (text.empty()) return MaskCovers::kWhatFits;
  if (text == "slide") return MaskCovers::kSlide;
  if (text == "region") return MaskCovers::kRegion;
  Fail(ErrorCode::kInput, "expected slide, region or nothing, found '{}'", text);
}

double ParseMpp(const std::string& text) {
  const auto mpp = ParseNumber<double>(text);
  if (!mpp || !(*mpp > 0) || !std::isfinite(*mpp))
    Fail(ErrorCode::kInput, "expected micrometres a pixel, above 0, or nothing, found '{}'", text);
  return *mpp;
}

RowOptions RowsOf(const DatasetOptions& options, const std::optional<Region>& region) {
  return {.level = options.level, .mpp = options.mpp, .model_mpp = options.model_mpp, .region = region};
}

/// The labels that an entry's file gives, whether as an image or as annotations.
std::unique_ptr<RowSource> OpenMaskOf(const DatasetEntry& entry, const LabelRules& rules) {
  return entry.annotations ? OpenAnnotationLabels(*entry.annotations, rules, entry.place)
                           : OpenMask(entry.mask, entry.place);
}

class DatasetReader {
 public:
  DatasetReader(std::string path, const DatasetOptions& options)
      : options_(options), path_(std::move(path)) {}

  Dataset Read() {
    const std::vector<CsvRecord> records = ReadCsv(path_);
    if (records.empty()) {
      Fail(ErrorCode::kInput, "{}: expected a header slide,mask,split, found an empty file", path_);
    }
    columns_ = ReadHeader(path_, records.front(), options_.labels);
    Dataset dataset{.path = path_, .options = options_, .entries = {}};
    for (size_t i = 1; i < records.size(); ++i) {
      if (records[i].fields.size() != records.front().fields.size()) {
        Fail(ErrorCode::kInput, "{}:{}: expected {} fields, found {}", path_, records[i].line,
             records.front().fields.size(), records[i].fields.size());
      }
      dataset.entries.push_back(ReadEntry(records[i]));
    }
    if (dataset.entries.empty())
      Fail(ErrorCode::kInput, "{}: expected slides below the header, found none", path_);
    return dataset;
  }

 private:
  const std::string& Field(const CsvRecord& record, size_t column) const {
    return record.fields[static_cast<size_t>(columns_[column])];
  }

  std::string Path(const std::string& field) const {
    if (field.empty()) Fail(ErrorCode::kInput, "expected a path, found nothing");
    return (std::filesystem::path(path_).parent_path() / field).lexically_normal().string();
  }

  DatasetEntry ReadEntry(const CsvRecord& record) const {
    const auto at = [&](const char* column, auto&& look) {
      return AtColumn(path_, record.line, column, look);
    };
    DatasetEntry entry{.name = Field(record, kSlide), .slide_options = options_.slide, .line = record.line};
    entry.slide = at("slide", [&] { return Path(Field(record, kSlide)); });
    const bool files = options_.labels == Labels::kFiles;
    const bool masks =
        options_.labels == Labels::kMasks || (files && columns_[kMask] >= 0 && !Field(record, kMask).empty());
    if (masks) entry.mask = at("mask", [&] { return Path(Field(record, kMask)); });
    if (options_.labels == Labels::kTargets) entry.target = Field(record, kTarget);
    if (columns_[kSplit] >= 0) entry.split = at("split", [&] { return ParseSplit(Field(record, kSplit)); });
    if (columns_[kMpp] >= 0 && !Field(record, kMpp).empty())
      at("mpp", [&] { entry.slide_options.mpp = ParseMpp(Field(record, kMpp)); });
    const std::unique_ptr<Slide> slide =
        at("slide", [&] { return Slide::Open(entry.slide, entry.slide_options); });
    entry.grey = slide->info().grey;
    if (columns_[kRegion] >= 0 && !Field(record, kRegion).empty()) {
      at("region", [&] { entry.region = ParseRegion(Field(record, kRegion)); });
    }
    at(entry.region ? "region" : "slide", [&] {
      const RowOptions options = RowsOf(options_, entry.region);
      const auto rows = slide->OpenRows(options);
      entry.mpp = slide->PixelSize(options);
      entry.place = PlaceOfWhole(slide->info().levels.front(), rows->width(), rows->height());
      if (entry.region) entry.place.region = *entry.region;
    });
    if (columns_[kMaskCovers] >= 0)
      entry.place.mask_covers =
          at("mask_covers", [&] { return ParseMaskCovers(Field(record, kMaskCovers)); });
    if (masks) {
      at("mask", [&] {
        const bool drawn = IsAnnotationFile(entry.mask);
        if (drawn && files) return;
        if (drawn)
          entry.annotations =
              std::make_shared<const Annotations>(ReadAnnotations(entry.mask, &slide->info()));
        OpenMaskOf(entry, options_.label_rules);
      });
    }
    if ((files || masks || options_.find_tissue) && columns_[kTissue] >= 0 &&
        !Field(record, kTissue).empty()) {
      at("tissue", [&] {
        entry.tissue_file = Path(Field(record, kTissue));
        entry.tissue = std::make_shared<const TissueMap>(ReadTissue(entry.tissue_file, slide->info()));
        if (entry.tissue->count() == 0)
          Fail(ErrorCode::kInput, "{}: expected tissue, found none", entry.tissue_file);
      });
    }
    return entry;
  }

  DatasetOptions options_;
  std::string path_;
  Columns columns_{};
};

/// Labels where another source is not 0: where the slide has a pixel, where there is tissue. Elsewhere the
/// ignored one.
class LabelsWhere final : public RowSource {
 public:
  LabelsWhere(std::unique_ptr<RowSource> labels, std::unique_ptr<RowSource> where, uint8_t ignore_label)
      : labels_(std::move(labels)), where_(std::move(where)), ignore_label_(ignore_label) {}

  int64_t width() const override { return labels_->width(); }
  int64_t height() const override { return labels_->height(); }
  int64_t channels() const override { return 1; }
  int64_t natural_rows() const override { return labels_->natural_rows(); }
  int64_t buffer_bytes() const override {
    return labels_->buffer_bytes() + where_->buffer_bytes() + static_cast<int64_t>(row_.size());
  }
  const std::string& name() const override { return labels_->name(); }
  std::unique_ptr<RowSource> Clone() const override {
    return std::make_unique<LabelsWhere>(labels_->Clone(), where_->Clone(), ignore_label_);
  }

  void Read(Range rows, uint8_t* dst) override {
    labels_->Read(rows, dst);
    for (int64_t y = rows.begin; y < rows.end; ++y, dst += width()) {
      where_->Read({y, y + 1}, row_.data());
      for (size_t x = 0; x < row_.size(); ++x) {
        if (row_[x] == 0) dst[x] = ignore_label_;
      }
    }
  }

 private:
  std::unique_ptr<RowSource> labels_;
  std::unique_ptr<RowSource> where_;
  uint8_t ignore_label_;
  std::vector<uint8_t> row_ = std::vector<uint8_t>(static_cast<size_t>(labels_->width()));
};

/// Where a part of an image of that size comes to lie.
Part Orient(Part part, const Orientation& orientation, int64_t width, int64_t height) {
  if (orientation.transpose) {
    std::swap(part.rows, part.columns);
    std::swap(width, height);
  }
  const auto mirror = [](Range* range, int64_t size) { *range = {size - range->end, size - range->begin}; };
  if (orientation.mirror_columns) mirror(&part.columns, width);
  if (orientation.mirror_rows) mirror(&part.rows, height);
  return part;
}

}  // namespace

std::string ToString(Split split) {
  switch (split) {
    case Split::kTrain:
      return "train";
    case Split::kValidation:
      return "val";
    case Split::kTest:
      return "test";
  }
  return "";
}

std::vector<const DatasetEntry*> Dataset::Of(Split split) const {
  std::vector<const DatasetEntry*> found;
  for (const DatasetEntry& entry : entries) {
    if (entry.split == split) found.push_back(&entry);
  }
  return found;
}

std::optional<double> Dataset::PixelSize(Split split) const {
  if (options.mpp) return options.mpp;
  const std::vector<const DatasetEntry*> of_split = Of(split);
  const auto says_none = [](const DatasetEntry* entry) { return !entry->mpp; };
  if (of_split.empty() || std::any_of(of_split.begin(), of_split.end(), says_none)) return std::nullopt;
  // By differences, so that the mean of equal ones is that one.
  double mean = *of_split.front()->mpp;
  for (const DatasetEntry* entry : of_split)
    mean += (*entry->mpp - *of_split.front()->mpp) / static_cast<double>(of_split.size());
  const auto is_same = [&](const DatasetEntry* entry) { return SamePixelSize(*entry->mpp, mean); };
  return std::all_of(of_split.begin(), of_split.end(), is_same) ? std::optional(mean) : std::nullopt;
}

Dataset OpenDataset(const std::string& path, const DatasetOptions& options) {
  return DatasetReader(path, options).Read();
}

void FindTissueOfSlides(Dataset* dataset, const std::vector<Split>& splits, const TissueProgress& progress) {
  // A slide may have several regions.
  std::map<std::pair<std::string, std::optional<double>>, std::shared_ptr<const TissueMap>> found;
  for (DatasetEntry& entry : dataset->entries) {
    if (entry.tissue || std::find(splits.begin(), splits.end(), entry.split) == splits.end()) continue;
    std::shared_ptr<const TissueMap>& tissue = found[{entry.slide, entry.slide_options.mpp}];
    AtEntry(*dataset, entry, [&] {
      if (!tissue) {
        tissue = std::make_shared<const TissueMap>(
            FindTissue(*Slide::Open(entry.slide, entry.slide_options), [&](int64_t done, int64_t total) {
              if (progress) progress(entry, done, total);
            }));
      }
      if (tissue->count() == 0) {
        Fail(ErrorCode::kInput,
             "expected tissue, found none: draw it, and name the file in a column tissue, or train on all of "
             "the slide");
      }
    });
    entry.tissue = tissue;
  }
}

RowOptions RowsOf(const Dataset& dataset, const DatasetEntry& entry) {
  return RowsOf(dataset.options, entry.region);
}

DatasetEntry PartOf(const Dataset& dataset, const DatasetEntry& entry, const Region& part) {
  const Region& whole = entry.place.region;
  // Pixels [begin, begin + size) of `length`, in level-0 pixels.
  const auto shown = [](int64_t begin, int64_t size, int64_t length, int64_t level0) {
    const double scale = static_cast<double>(level0) / static_cast<double>(length);
    const int64_t first = std::llround(static_cast<double>(begin) * scale);
    return Range{first, std::min<int64_t>(first + std::llround(static_cast<double>(size) * scale), level0)};
  };
  const Range x = shown(part.x, part.width, entry.width(), whole.width),
              y = shown(part.y, part.height, entry.height(), whole.height);
  DatasetEntry result = entry;
  result.place.around = entry.place.around.value_or(whole);
  result.place.region = Region{whole.x + x.begin, whole.y + y.begin, x.size(), y.size()};
  result.region = result.place.region;
  const auto rows = Slide::Open(entry.slide, entry.slide_options)->OpenRows(RowsOf(dataset, result));
  result.place.width = rows->width();
  result.place.height = rows->height();
  return result;
}

std::unique_ptr<RowSource> OpenImage(const Dataset& dataset, const DatasetEntry& entry,
                                     const Augmentation& augmentation) {
  return AugmentImage(Slide::Open(entry.slide, entry.slide_options)->OpenRows(RowsOf(dataset, entry)),
                      augmentation);
}

std::unique_ptr<RowSource> OpenLabels(const Dataset& dataset, const DatasetEntry& entry, uint8_t ignore_label,
                                      const Augmentation& augmentation) {
  std::unique_ptr<RowSource> labels = OpenMaskOf(entry, dataset.options.label_rules);
  auto existence = Slide::Open(entry.slide, entry.slide_options)->OpenExistence(RowsOf(dataset, entry));
  if (existence)
    labels = std::make_unique<LabelsWhere>(std::move(labels), std::move(existence), ignore_label);
  if (entry.tissue)
    labels =
        std::make_unique<LabelsWhere>(std::move(labels), TissueRows(entry.tissue, entry.place), ignore_label);
  return AugmentLabels(std::move(labels), augmentation);
}

SlideSample OpenSample(const Dataset& dataset, const DatasetEntry& entry, const Graph& graph,
                       uint8_t ignore_label, const Augmentation& augmentation) {
  std::unique_ptr<RowSource> image = OpenImage(dataset, entry, augmentation), labels;
  if (dataset.options.labels == Labels::kMasks)
    labels = OpenLabels(dataset, entry, ignore_label, augmentation);
  SlideSample sample{.image = nullptr, .labels = nullptr, .width = image->width(), .height = image->height()};
  sample.image = ExtendedImage(graph, std::move(image));
  if (labels)
    sample.labels =
        ExtendedRows(std::move(labels), sample.image->width(), sample.image->height(), ignore_label);
  if (sample.labels && entry.tissue) {
    const int64_t halo = Halo(graph, sample.image->width(), sample.image->height());
    for (const Part& part : PartsOfTissue(*entry.tissue, entry.place, halo, ModelMultiple(graph)))
      sample.labelled.push_back(Orient(part, augmentation.orientation, entry.width(), entry.height()));
  }
  return sample;
}

}  // namespace swath
