/// Slides with masks, as a CSV file lists them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "swath/annotation.h"
#include "swath/augment.h"
#include "swath/engine.h"
#include "swath/error.h"
#include "swath/graph.h"
#include "swath/row_source.h"
#include "swath/slide.h"
#include "swath/tissue.h"

namespace swath {

enum class Split { kTrain, kValidation, kTest };

/// The names used in the file: train, val, test.
std::string ToString(Split split);

/// One line of the file.
struct DatasetEntry {
  std::string name;                 ///< the slide as the file writes it
  std::string slide;                ///< path
  SlideOptions slide_options = {};  ///< how it is opened: with the pixel size that the file gives it
  std::string mask;                 ///< path; empty where masks are not read
  /// Where the mask is given as annotations, these.
  std::shared_ptr<const Annotations> annotations = {};
  std::string tissue_file = {};  ///< path; empty where the file names none
  /// From that file, or found: only there is loss, or is anything predicted. Null: everywhere.
  std::shared_ptr<const TissueMap> tissue = {};
  std::string target = {};  ///< as the file writes it; empty where targets are not read
  Split split = Split::kTrain;
  bool grey = false;                  ///< the slide's file has one channel
  std::optional<Region> region = {};  ///< in level-0 pixels; this region is the image
  int64_t line = 0;                   ///< in the file, from 1
  ImagePlace place = {};              ///< at the level or pixel size that is read
  std::optional<double> mpp = {};     ///< micrometres a pixel of the image, where the slide says its own

  int64_t width() const { return place.width; }
  int64_t height() const { return place.height; }
};

/// What is known of the slides: a prediction needs nothing, nor a split.
enum class Labels {
  kMasks,    ///< a label a pixel, in the column mask
  kTargets,  ///< of the whole slide, in the column target
  kFiles,    ///< masks where a line names one, to be shown: annotations are not read
  kNone,
};

/// Which pixels of the slides to read, the same for all; see RowOptions.
struct DatasetOptions {
  std::optional<int> level = {};
  std::optional<double> mpp = {};
  std::optional<double> model_mpp = {};
  SlideOptions slide = {};  ///< how slides are opened, but for what the file says of them
  Labels labels = Labels::kMasks;
  LabelRules label_rules = {};  ///< for masks that are given as annotations
  bool find_tissue = false;     ///< the tissue of every slide is wanted: the file's, or else found
};

struct Dataset {
  std::string path;
  DatasetOptions options;
  std::vector<DatasetEntry> entries;

  /// The entries of one split, in the file's order.
  std::vector<const DatasetEntry*> Of(Split split) const;

  /// The pixel size at which a split is read: the one that was wanted; of levels the mean, where all slides
  /// say one and each is the same as the mean (SamePixelSize), so that wanting it reads the same pixels.
  std::optional<double> PixelSize(Split split) const;
};

/// Reads a CSV file (RFC 4180, UTF-8) whose header names the columns slide, mask, split and, where wanted,
/// region and mask_covers, in any order. A mask is an image of labels, or annotations, whose classes become
/// labels by DatasetOptions::label_rules. Paths are relative to the file's folder; split is train, val or
/// test; region is "x,y,width,height" in level-0 pixels, in quotes, and empty for a whole slide; the region
/// is then the image, and the mask that of the slide or of the region, as it fits or as a column mask_covers
/// says; a column mpp gives the micrometres of a level-0 pixel where the slide does not, or wrongly; a column
/// tissue names annotations or a mask of the tissue, to which the loss is restricted (ReadTissue). With
/// Labels::kTargets a column target stands in place of mask, with Labels::kFiles mask and split may be
/// absent, and any mask empty. Opens every slide and mask, so that a bad line is found now: throws Error
/// (kInput, kUnsupported) with the file, its line, the column, what was expected and what was found.
Dataset OpenDataset(const std::string& path, const DatasetOptions& options = {});

/// Told which slide is looked at, and how many of its rows are done, of how many.
using TissueProgress = std::function<void(const DatasetEntry& entry, int64_t done, int64_t total)>;

/// Finds the tissue of slides of these splits for which the file does not say where it is. Throws Error
/// (kInput) where there is none, and what FindTissue throws.
void FindTissueOfSlides(Dataset* dataset, const std::vector<Split>& splits,
                        const TissueProgress& progress = {});

/// Does something with an entry; what goes wrong is thrown again with the file, its line and the slide in
/// front.
template <class F>
auto AtEntry(const Dataset& dataset, const DatasetEntry& entry, F&& f) {
  try {
    return f();
  } catch (const Error& e) {
    throw Error(e.code(),
                dataset.path + ":" + std::to_string(entry.line) + ": " + entry.name + ": " + e.what());
  }
}

/// Which pixels of its slide an entry's image has.
RowOptions RowsOf(const Dataset& dataset, const DatasetEntry& entry);

/// The entry with a part of its image, in pixels as they are read, in place of the whole. Where those are no
/// whole number of level-0 pixels, the part may come out a pixel larger or smaller: its place says what it
/// is.
DatasetEntry PartOf(const Dataset& dataset, const DatasetEntry& entry, const Region& part);

/// The image of an entry, [row, column, RGB].
std::unique_ptr<RowSource> OpenImage(const Dataset& dataset, const DatasetEntry& entry,
                                     const Augmentation& augmentation = {});

/// The labels of an entry, at the size of its image; pixels that the slide does not have carry
/// `ignore_label`.
std::unique_ptr<RowSource> OpenLabels(const Dataset& dataset, const DatasetEntry& entry, uint8_t ignore_label,
                                      const Augmentation& augmentation = {});

/// Image and labels as a network takes them.
struct SlideSample {
  std::unique_ptr<RowSource> image;
  std::unique_ptr<RowSource> labels;  ///< null where masks are not read
  std::vector<double> target = {};    ///< for a loss over slides; the caller's
  int64_t width = 0;  ///< pixels of the slide as it lies; image and labels may be larger, see ExtendedRows
  int64_t height = 0;
  /// Where the entry's tissue is known: parts outside of which all labels are ignored ones.
  std::vector<Part> labelled = {};

  Sample sample() const { return {image.get(), labels.get(), target}; }
};

/// Augments both, and then extends them to the model's multiple: the image by the model's value, the labels
/// by `ignore_label`.
SlideSample OpenSample(const Dataset& dataset, const DatasetEntry& entry, const Graph& graph,
                       uint8_t ignore_label, const Augmentation& augmentation = {});

}  // namespace swath
