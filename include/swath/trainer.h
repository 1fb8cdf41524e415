/// Training: steps over slides, validation, and a run folder that can be continued.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "swath/augment.h"
#include "swath/dataset.h"
#include "swath/engine.h"
#include "swath/graph.h"
#include "swath/loss.h"
#include "swath/optimizer.h"
#include "swath/plan.h"

namespace swath {

/// In pixels as they are read.
struct RegionSize {
  int64_t width = 0;
  int64_t height = 0;
};

struct TrainOptions {
  std::string out;      ///< run folder, made if absent
  bool resume = false;  ///< continue the run in `out`; without it a folder that holds a run is refused
  std::string config;   ///< written to config.toml as it is
  std::string weights;  ///< written to weights.txt as it is, where there is any: where the weights are from
  LossOptions loss;     ///< over pixels; `logits` is taken from the network
  /// Instead, for a network with one output a slide; `values` is taken from the network.
  std::optional<SlideLossOptions> slide_loss = {};
  /// Trains on a random region of each slide, drawn by `seed` for each slide of each step, in place of the
  /// whole; slides that are smaller are used in their whole width or height. Not over slides.
  std::optional<RegionSize> sample_region = {};
  AugmentOptions augment = {};  ///< of what is trained on, drawn by `seed` for each slide of each step
  bool dropout = true;          ///< whether Dropout layers drop
  /// Patterns of names of parameters (globs, as fnmatch has them: "encoder.*") that are not trained in this
  /// run. In the files that it writes they are as trainable as before, and unchanged to the bit.
  std::vector<std::string> freeze = {};
  /// Factors of the learning rate, by patterns of names; of several that match, the last counts.
  struct RateFactor {
    std::string pattern;
    double factor = 1;
  };
  std::vector<RateFactor> rate_factors = {};
  OptimizerOptions optimizer;  ///< its `factors` are made of `rate_factors`
  ScheduleOptions schedule;    ///< its `steps` are the steps of the run
  double clip_norm = 0;        ///< of all gradients together; 0: no clipping
  int64_t accumulate = 1;      ///< slides a step; their losses and gradients are averaged
  int64_t validate_every =
      0;  ///< steps; 0: once an epoch, but at most 20 times a run. Always after the last step
  bool prior_bias = false;  ///< starts the output's bias at the log-odds of the training labels
  uint64_t seed = 1;        ///< of the order of the slides
  PlanOptions plan;         ///< threads, strips, sweeps
  int64_t memory = 0;       ///< bytes that the process may take, 0 for any; chooses the rest of the plan
};

/// Known before the first step.
struct TrainSummary {
  std::string model;
  int64_t parameters = 0;  ///< trainable values
  int64_t frozen = 0;      ///< values that TrainOptions::freeze keeps from being trained
  int64_t training_slides = 0;
  int64_t validation_slides = 0;
  bool one_size = true;              ///< all slides have the same width and height
  std::optional<double> mpp;         ///< micrometres a pixel, as the model will say; see Dataset::PixelSize
  int64_t first_step = 0;            ///< more than 0 where a run is continued
  Plan plan;                         ///< of the widest training slide as it may lie, extended
  int64_t plan_bytes = 0;            ///< engine, decoders, gradients, optimiser
  int64_t process_bytes = 0;         ///< besides; with a limit of memory only
  std::vector<double> label_shares;  ///< by class, of the labelled pixels to train on; masks only
  std::vector<std::string> known_slides;  ///< to validate, of which the same pixels are trained on
};

struct StepRecord {
  int64_t step = 0;   ///< from 1
  int64_t epoch = 0;  ///< from 0
  std::string slide;  ///< several are joined by ", "
  double loss = 0;
  /// Over pixels: Dice at the decision, with the weights before the step; several classes: mean over them.
  /// Over slides there is none for a step.
  std::optional<double> dice = {};
  double learning_rate = 0;
  double gradient_norm = 0;  ///< before clipping
  double seconds = 0;
  double megapixels_per_second = 0;
  int64_t peak_resident_bytes = 0;  ///< of the process so far
  int64_t plan_bytes = 0;
  int64_t strips = 0;
  int64_t panels = 0;
};

/// A figure that says how good predictions are.
struct Score {
  std::string name;  ///< dice, auc (several values: the mean of theirs), accuracy, or rmse
  double value = 0;
};

struct ValidationRecord {
  int64_t step = 0;
  double loss = 0;    ///< mean over the slides
  Score score;        ///< over pixels the mean Dice of the slides
  bool best = false;  ///< of the run so far: the highest Dice, or the lowest loss over slides
  double seconds = 0;
  struct Slide {
    std::string name;
    double loss = 0;
    std::optional<double> dice = {};
    std::vector<double> output = {};  ///< of a network with one output a slide
  };
  std::vector<Slide> slides;
};

/// Told how training goes, one call at a time.
class TrainObserver {
 public:
  virtual ~TrainObserver() = default;
  virtual void OnStart(const TrainSummary&) {}
  /// Within step `step` (from 1), or in the validation after it; `part` is the share of its rows that are
  /// done.
  virtual void OnRows(int64_t /*step*/, bool /*validation*/, double /*part*/) {}
  virtual void OnStep(const StepRecord&) {}
  virtual void OnValidation(const ValidationRecord&) {}
};

struct TrainResult {
  int64_t steps = 0;
  std::optional<Score> best;  ///< of the validation slides, if there are any
  int64_t best_step = 0;
  double seconds = 0;               ///< over all parts of a run that was continued
  std::vector<float> last_weights;  ///< of the trainable parameters, one after the other
};

/// Trains `graph` on the training slides, in an order shuffled every epoch, and writes the run folder:
/// model.onnx (best mean Dice, or lowest loss over slides, on the validation slides; the last where there are
/// none), last.onnx,
/// both with the pixel size that was trained at, where it is known (ModelMpp);
/// training-state (for `resume`; written at validations and every half minute), metrics.jsonl and the same
/// figures for TensorBoard (events.out.tfevents.…), sessions.jsonl (where and on what it was trained),
/// config.toml, weights.txt, curves.svg. Files are replaced as a whole. The same data, options and number of
/// strips give the same weights bit for bit, for any number of threads, and whether a run is interrupted or
/// not.
///
/// Throws Error: kUsage (options; a pattern that matches nothing; a folder that holds a run), kUnsupported (a
/// network that ends in probabilities), kInput (labels that the network has no class for; a training state of
/// another run), kNumeric (a loss or gradient that is not finite; names step and slide), and what slides
/// throw.
TrainResult Train(const Dataset& dataset, Graph graph, const TrainOptions& options,
                  TrainObserver* observer = nullptr);

}  // namespace swath
