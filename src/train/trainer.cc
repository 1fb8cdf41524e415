#include "swath/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <memory>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "base/process_memory.h"
#include "base/random.h"
#include "base/seconds_since.h"
#include "geometry/window.h"
#include "swath/model.h"
#include "train/gradients.h"
#include "train/output_bias.h"
#include "train/parameter_patterns.h"
#include "train/region_sampler.h"
#include "train/run_folder.h"
#include "train/run_session.h"
#include "train/run_settings.h"
#include "train/shared_pixels.h"
#include "train/slide_order.h"
#include "train/slide_plans.h"
#include "train/slide_score.h"
#include "train/targets.h"
#include "train/training_state.h"

namespace swath {
namespace {

constexpr double kSecondsBetweenSaves = 30;
constexpr int64_t kMostValidations = 20;

using Clock = std::chrono::steady_clock;

double Pixels(const SlideSample& sample) {
  return static_cast<double>(sample.image->width()) * static_cast<double>(sample.image->height());
}

/// The mean over the classes of an overlap's Dice; nothing for a loss over slides.
std::optional<double> MeanDice(const Loss::Value& value) {
  if (value.overlap.empty()) return std::nullopt;
  double sum = 0;
  for (const auto& overlap : value.overlap) sum += overlap.Dice();
  return sum / static_cast<double>(value.overlap.size());
}

class Trainer {
 public:
  Trainer(const Dataset& dataset, Graph graph, const TrainOptions& options, TrainObserver* observer)
      : dataset_(dataset),
        graph_(std::move(graph)),
        frozen_(Freeze(options.freeze, &graph_)),
        options_(Settle(graph_, options)),
        observer_(observer),
        training_(dataset.Of(Split::kTrain)),
        validation_(dataset.Of(Split::kValidation)),
        loss_(options_.slide_loss ? nullptr : MakeLoss(options_.loss)),
        slide_loss_(options_.slide_loss ? MakeSlideLoss(*options_.slide_loss) : nullptr),
        optimizer_(graph_, options_.optimizer),
        folder_(options_.out, options_.resume),
        image_statistics_(UsesImageStatistics(graph_)),
        plans_(dataset, graph_, options_, objective(), optimizer_.state_bytes()) {
    if (training_.empty())
      Fail(ErrorCode::kInput, "{}: expected slides of split train, found none", dataset.path);
    const int64_t epoch = CeilDiv(static_cast<int64_t>(training_.size()), options_.accumulate);
    validate_every_ = options_.validate_every > 0
                          ? options_.validate_every
                          : std::max(epoch, CeilDiv(options_.schedule.steps, kMostValidations));
  }

  TrainResult Run() {
    // Who reads the model must know what it takes and what its outputs are.
    SetModelMpp(dataset_.PixelSize(Split::kTrain), &graph_);
    if (slide_loss_) graph_.metadata["swath.loss"] = ToString(options_.slide_loss->kind);
    Start();
    while (state_.step < options_.schedule.steps) {
      TakeStep();
      const bool last = state_.step == options_.schedule.steps;
      const bool validate = last || state_.step % validate_every_ == 0;
      if (validate && !validation_.empty()) Validate();
      if (validate || SecondsSince(saved_) > kSecondsBetweenSaves) Save();
    }
    if (!state_.best_score) Export(folder_.best_model());
    std::optional<Score> best;
    if (state_.best_score)
      best = slide_loss_ ? Score{"loss", -*state_.best_score} : Score{"dice", *state_.best_score};
    return {.steps = state_.step,
            .best = best,
            .best_step = state_.best_step,
            .seconds = state_.seconds + SecondsSince(started_),
            .last_weights = TrainableValues(graph_)};
  }

 private:
  /// Returns what is frozen by the patterns, by index.
  static std::vector<size_t> Freeze(const std::vector<std::string>& patterns, Graph* graph) {
    std::vector<size_t> frozen;
    for (const std::string& pattern : patterns) {
      const std::vector<size_t> matching = MatchTrainable(*graph, pattern);
      frozen.insert(frozen.end(), matching.begin(), matching.end());
    }
    // At the end, so that patterns may overlap.
    std::sort(frozen.begin(), frozen.end());
    frozen.erase(std::unique(frozen.begin(), frozen.end()), frozen.end());
    for (const size_t p : frozen) graph->parameters[p].trainable = false;
    if (graph->trainable_size() == 0)
      Fail(ErrorCode::kUsage, "{}: expected a parameter to train, found none", graph->name);
    return frozen;
  }

  static TrainOptions Settle(const Graph& graph, TrainOptions options) {
    if (!options.rate_factors.empty()) options.optimizer.factors.assign(graph.parameters.size(), 1.0);
    for (const auto& [pattern, factor] : options.rate_factors) {
      for (const size_t p : MatchTrainable(graph, pattern)) options.optimizer.factors[p] = factor;
    }
    options.loss.logits = OutputChannels(graph);
    if (options.slide_loss) options.slide_loss->values = OutputChannels(graph);
    const bool of_slide = InCore(graph)[static_cast<size_t>(graph.output)];
    if (of_slide != options.slide_loss.has_value()) {
      Fail(ErrorCode::kUsage, "{}: the network gives {}, but the loss is over {}", graph.name,
           of_slide ? "values of the slide" : "a map", of_slide ? "pixels" : "slides");
    }
    if (of_slide) CheckSlideValues(graph);
    if (options.loss.ignore_label < 0 || options.loss.ignore_label > 255) {
      Fail(ErrorCode::kUsage, "the ignored label is {}, expected 0 to 255", options.loss.ignore_label);
    }
    if (options.sample_region) {
      const auto [width, height] = *options.sample_region;
      if (width < 1 || height < 1)
        Fail(ErrorCode::kUsage, "regions of {}x{}, expected at least 1x1", width, height);
      if (options.slide_loss)
        Fail(ErrorCode::kUsage, "regions cannot be sampled: a target is that of the whole slide");
    }
    if (options.accumulate < 1 || options.schedule.steps < 1) {
      Fail(ErrorCode::kUsage, "{} slides a step and {} steps, expected at least one of each",
           options.accumulate, options.schedule.steps);
    }
    return options;
  }

  uint8_t ignore_label() const { return static_cast<uint8_t>(options_.loss.ignore_label); }

  void Start() {
    TrainSummary summary = Summarise();
    const std::vector<int64_t> counts = CheckLabels(&summary);
    const nlohmann::json settings = RunSettings(dataset_, graph_, frozen_, options_);
    if (options_.resume) {
      TrainingState saved = ReadTrainingState(folder_.state());
      state_ = saved.progress;
      CheckSettings(folder_.state(), state_.settings, settings);
      SetTrainableValues(saved.weights, &graph_);
      SetRunningStatistics(saved.running, &graph_);
      optimizer_.Restore(std::move(saved.optimizer));
      if (state_.step > options_.schedule.steps) {
        Fail(ErrorCode::kUsage, "{}: the run has taken {} steps, expected at least as many now, found {}",
             options_.out, state_.step, options_.schedule.steps);
      }
    } else if (options_.prior_bias) {
      SetPriorBias(counts, options_.loss.class_weights, &graph_);
    }
    state_.settings = settings;
    summary.first_step = state_.step;
    folder_.Create();
    folder_.WriteConfig(options_.config);
    if (!options_.weights.empty()) folder_.WriteWeights(options_.weights);
    folder_.WriteSession(MakeRunSession(dataset_, options_, summary));
    folder_.OpenMetrics(state_.step);
    if (observer_) observer_->OnStart(summary);
    started_ = Clock::now();
    // So that there is a run to continue, whatever happens in the first step.
    Save();
  }

  /// Reads all masks that the run will need, so that a bad label is found now. Returns how often each class
  /// occurs in those to train on.
  std::vector<int64_t> CheckLabels(TrainSummary* summary) {
    if (slide_loss_) {
      for (const auto* entries : {&training_, &validation_}) {
        for (const DatasetEntry* entry : *entries) targets_[entry] = TargetOf(*entry);
      }
      return {};
    }
    const int64_t classes = std::max<int64_t>(2, options_.loss.logits);
    CountLabels(dataset_, Split::kValidation, classes, ignore_label());
    const auto counts = CountLabels(dataset_, Split::kTrain, classes, ignore_label());
    const double sum = static_cast<double>(std::reduce(counts.begin(), counts.end()));
    for (const int64_t count : counts) summary->label_shares.push_back(static_cast<double>(count) / sum);
    return counts;
  }

  std::vector<double> TargetOf(const DatasetEntry& entry) const {
    const std::vector<std::string> classes = ModelClasses(graph_);
    return AtEntry(dataset_, entry, [&] {
      try {
        return ParseTarget(entry.target, options_.slide_loss->kind, classes, options_.slide_loss->values);
      } catch (const Error& e) {
        Fail(e.code(), "target: {}", e.what());
      }
    });
  }

  /// The entry, with what the loss compares it to.
  SlideSample Open(const DatasetEntry& entry, const Augmentation& augmentation = {}) const {
    SlideSample sample = OpenSample(dataset_, entry, graph_, ignore_label(), augmentation);
    const auto target = targets_.find(&entry);
    if (target != targets_.end()) sample.target = target->second;
    return sample;
  }

  Objective objective() const { return loss_ ? Objective(loss_.get()) : Objective(slide_loss_.get()); }

  TrainSummary Summarise() {
    TrainSummary summary{.model = graph_.name,
                         .parameters = graph_.trainable_size(),
                         .training_slides = static_cast<int64_t>(training_.size()),
                         .validation_slides = static_cast<int64_t>(validation_.size()),
                         .mpp = ModelMpp(graph_)};
    for (const size_t p : frozen_) summary.frozen += graph_.parameters[p].size();
    for (const DatasetEntry* entry : validation_) {
      const auto overlaps = [&](const DatasetEntry* other) { return SharePixels(*entry, *other); };
      if (std::any_of(training_.begin(), training_.end(), overlaps))
        summary.known_slides.push_back(entry->name);
    }
    plans_.Make(&summary);
    return summary;
  }

  const DatasetEntry& EntryOf(int64_t index) {
    const int64_t slides = static_cast<int64_t>(training_.size()), epoch = index / slides;
    if (epoch != order_epoch_) order_ = EpochOrder(options_.seed, epoch, slides);
    order_epoch_ = epoch;
    return *training_[static_cast<size_t>(order_[static_cast<size_t>(index % slides)])];
  }

  void TakeStep() {
    const auto start = Clock::now();
    const int64_t step = state_.step, share = options_.accumulate;
    StepRecord record{.step = step + 1, .epoch = step * share / static_cast<int64_t>(training_.size())};
    Gradients gradients(graph_.parameters.size());
    double pixels = 0;
    for (int64_t i = 0; i < share; ++i) {
      const int64_t visit = step * share + i;
      const DatasetEntry& entry = EntryOf(visit);
      record.slide += (i > 0 ? ", " : "") + entry.name;
      const Augmentation augmentation = DrawAugmentation(options_.augment, options_.seed, visit);
      std::optional<DatasetEntry> part;
      if (options_.sample_region)
        part = AtEntry(dataset_, entry, [&] { return DrawRegion(dataset_, entry, Sampling(), visit); });
      const SlideSample sample = Open(part ? *part : entry, augmentation);
      StreamingEngine* engine = EngineFor(sample);
      StepResult result = AtEntry(dataset_, entry, [&] {
        Sample seeded = sample.sample();
        if (options_.dropout) seeded.seed = DropoutSeed(visit);
        return engine->Step(seeded, [&](int64_t done, int64_t total) {
          Report(false, (static_cast<double>(i) + Share(done, total)) / static_cast<double>(share));
        });
      });
      CheckFinite(graph_, result, fmt::format("step {}, {}", step + 1, entry.name));
      for (const auto& [parameter, values] : result.running)
        graph_.parameters[static_cast<size_t>(parameter)].values = values;
      record.loss += result.loss.loss / static_cast<double>(share);
      if (const auto dice = MeanDice(result.loss))
        record.dice = record.dice.value_or(0) + *dice / static_cast<double>(share);
      AddShare(std::move(result.gradients), static_cast<double>(share), &gradients);
      pixels += Pixels(sample);
      // Once a slide and way to lie: to know what its readers hold, some are opened.
      const auto [known, is_new] = plan_bytes_.try_emplace({&entry, augmentation.orientation.transpose});
      if (is_new) known->second = plans_.Bytes(engine->plan(), sample);
      record.plan_bytes = std::max(record.plan_bytes, known->second);
      record.strips = engine->plan().options.strips;
      record.panels = engine->plan().options.panels;
    }
    record.learning_rate = LearningRate(options_.schedule, step);
    record.gradient_norm = ClipGradients(options_.clip_norm, &gradients);
    optimizer_.Step(gradients, record.learning_rate, &graph_);
    CheckFiniteWeights(graph_, fmt::format("step {}", step + 1));
    ++state_.step;
    record.seconds = SecondsSince(start);
    record.megapixels_per_second = pixels * 1e-6 / record.seconds;
    record.peak_resident_bytes = PeakResidentBytes();
    folder_.Append(record);
    if (observer_) observer_->OnStep(record);
  }

  RegionSampling Sampling() const {
    RegionSampling sampling{
        .size = *options_.sample_region, .ignore_label = ignore_label(), .seed = options_.seed};
    const std::vector<double>& weights = options_.loss.class_weights;
    for (size_t label = 0; label < static_cast<size_t>(std::max<int64_t>(2, options_.loss.logits)); ++label)
      sampling.counts[label] = label != ignore_label() && (weights.empty() || weights[label] > 0);
    return sampling;
  }

  /// Of a slide of a step, from the run's seed; never 0, which would switch dropout off.
  uint64_t DropoutSeed(int64_t index) const {
    SplitMix64 random(options_.seed * 0x9e3779b97f4a7c15u + static_cast<uint64_t>(index));
    return random.Next() | 1;
  }

  /// Engines are kept as long as images have the same size, and labels in the same parts.
  StreamingEngine* EngineFor(const SlideSample& sample) {
    const RowSource& image = *sample.image;
    if (!engine_ || engine_->plan().width != image.width() || engine_->plan().height != image.height() ||
        engine_->plan().options.wanted != sample.labelled) {
      engine_.reset();  // first, so that two never share the memory
      PlanOptions options = plans_.OptionsFor(sample);
      // Without the sweeps to the statistics one sweep might carry more cotangents than the plan counts.
      if (image_statistics_ && !UsesImageStatistics(graph_)) options.loss_sweeps = LossSweeps::kTwo;
      engine_ = MakeStreamingEngine(graph_, objective(), image.width(), image.height(), options);
    }
    return engine_.get();
  }

  /// The files of a run normalise by the running statistics, and so must whatever judges them.
  void ValidateExported(bool yes) {
    if (!image_statistics_) return;
    engine_.reset();
    SetBatchNormalization(&graph_, yes ? BatchNormalizationMode::kFrozen : BatchNormalizationMode::kImage);
  }

  static double Share(int64_t done, int64_t total) {
    return static_cast<double>(done) / static_cast<double>(total);
  }

  void Report(bool validation, double part) {
    if (observer_) observer_->OnRows(state_.step + (validation ? 0 : 1), validation, part);
  }

  void Validate() {
    const auto start = Clock::now();
    const double slides = static_cast<double>(validation_.size());
    ValidationRecord record{.step = state_.step};
    ValidateExported(true);
    for (const DatasetEntry* entry : validation_) {
      const SlideSample sample = Open(*entry);
      StreamingEngine* engine = EngineFor(sample);
      const double before = static_cast<double>(record.slides.size());
      const Loss::Value value = AtEntry(dataset_, *entry, [&] {
        return engine->Evaluate(sample.sample(), [&](int64_t done, int64_t total) {
          Report(true, (before + Share(done, total)) / slides);
        });
      });
      CheckFiniteLoss(value.loss, fmt::format("step {}, {}: the validation loss", state_.step, entry->name));
      record.slides.push_back({entry->name, value.loss, MeanDice(value), value.output});
      record.loss += value.loss / slides;
    }
    ValidateExported(false);
    record.score = ScoreOf(record);
    const double score = slide_loss_ ? -record.loss : record.score.value;
    record.best = !state_.best_score || score > *state_.best_score;
    if (record.best) {
      state_.best_score = score;
      state_.best_step = state_.step;
      Export(folder_.best_model());
    }
    record.seconds = SecondsSince(start);
    folder_.Append(record);
    if (observer_) observer_->OnValidation(record);
  }

  Score ScoreOf(const ValidationRecord& record) const {
    if (slide_loss_) {
      std::vector<std::vector<double>> outputs, targets;
      for (size_t i = 0; i < record.slides.size(); ++i) {
        outputs.push_back(record.slides[i].output);
        targets.push_back(targets_.at(validation_[i]));
      }
      return SlideScore(options_.slide_loss->kind, outputs, targets);
    }
    double sum = 0;
    for (const auto& slide : record.slides) sum += *slide.dice;
    return {"dice", sum / static_cast<double>(record.slides.size())};
  }

  /// What is frozen is so for this run only: whoever trains the file next decides anew.
  void Export(const std::string& path) {
    for (const size_t p : frozen_) graph_.parameters[p].trainable = true;
    ExportOnnx(graph_, path);
    for (const size_t p : frozen_) graph_.parameters[p].trainable = false;
  }

  /// The state last: whatever it refers to is then there.
  void Save() {
    Export(folder_.last_model());
    folder_.WriteCurves(
        fmt::format("{}, {}", graph_.name,
                    slide_loss_ ? ToString(options_.slide_loss->kind) : ToString(options_.loss.kind)));
    TrainingProgress progress = state_;
    progress.seconds += SecondsSince(started_);
    WriteTrainingState(folder_.state(), progress, TrainableSpans(graph_), optimizer_.state(),
                       RunningStatistics(graph_));
    saved_ = Clock::now();
  }

  const Dataset& dataset_;
  Graph graph_;
  std::vector<size_t> frozen_;  ///< parameters that TrainOptions::freeze matches
  TrainOptions options_;
  TrainObserver* observer_;
  std::vector<const DatasetEntry*> training_;
  std::vector<const DatasetEntry*> validation_;
  std::unique_ptr<Loss> loss_;  ///< one of the two
  std::unique_ptr<SlideLoss> slide_loss_;
  std::map<const DatasetEntry*, std::vector<double>> targets_;
  Optimizer optimizer_;
  RunFolder folder_;
  bool image_statistics_;  ///< of what is trained; while validating the graph has the running ones
  int64_t validate_every_ = 1;
  SlidePlans plans_;
  std::unique_ptr<StreamingEngine> engine_;
  std::map<std::pair<const DatasetEntry*, bool>, int64_t> plan_bytes_;  ///< by slide, and whether transposed
  TrainingProgress state_;
  std::vector<int64_t> order_;
  int64_t order_epoch_ = -1;
  Clock::time_point started_;
  Clock::time_point saved_;
};

}  // namespace

TrainResult Train(const Dataset& dataset, Graph graph, const TrainOptions& options, TrainObserver* observer) {
  return Trainer(dataset, std::move(graph), options, observer).Run();
}

}  // namespace swath
