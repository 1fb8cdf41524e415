/// `swath check-gradients`: both halves of the exactness invariant on an image that the reference can hold.
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "swath/compare.h"
#include "swath/extended_rows.h"
#include "swath/model.h"
#include "swath/slide.h"
#include "swath/synth.h"
#include "tools/commands.h"
#include "tools/objective.h"
#include "tools/options.h"

namespace swath::tools {
namespace {

constexpr double kScheduleTolerance = 1e-12;
constexpr double kArithmeticTolerance = 1e-5;
constexpr double kRoundingRatio = 2;

struct Settings {
  std::string model = "unet-4492";
  std::vector<std::string> classes;
  std::string size = "1024x1024";
  std::string slide;
  std::string mask;
  std::optional<std::string> loss;
  std::optional<std::string> batchnorm;
  std::vector<int64_t> strips = {1, 2, 5};
  std::vector<int64_t> panels = {1};
  double background = 0;
  PlanOptions plan;
  int ignore_label = 255;
  uint64_t seed = 1;
};

/// The image beyond a column is one constant, as empty glass is in a slide; its labels are 0.
class Emptied final : public RowSource {
 public:
  Emptied(std::unique_ptr<RowSource> source, int64_t first_empty, uint8_t value)
      : source_(std::move(source)), first_empty_(first_empty), value_(value) {}

  int64_t width() const override { return source_->width(); }
  int64_t height() const override { return source_->height(); }
  int64_t channels() const override { return source_->channels(); }
  int64_t natural_rows() const override { return source_->natural_rows(); }
  int64_t buffer_bytes() const override { return source_->buffer_bytes(); }
  const std::string& name() const override { return source_->name(); }
  std::unique_ptr<RowSource> Clone() const override {
    return std::make_unique<Emptied>(source_->Clone(), first_empty_, value_);
  }
  void Read(Range rows, uint8_t* dst) override {
    source_->Read(rows, dst);
    for (int64_t y = 0; y < rows.size(); ++y) {
      uint8_t* row = dst + y * width() * channels();
      std::fill(row + first_empty_ * channels(), row + width() * channels(), value_);
    }
  }

 private:
  std::unique_ptr<RowSource> source_;
  int64_t first_empty_;
  uint8_t value_;
};

struct OwnedSample {
  std::unique_ptr<RowSource> image;
  std::unique_ptr<RowSource> labels;
};

OwnedSample MakeSample(const Settings& settings, const Graph& graph) {
  OwnedSample sample;
  if (!settings.slide.empty()) {
    sample.image = Slide::Open(settings.slide)->OpenRows();
    sample.labels = OpenMask(settings.mask, sample.image->width(), sample.image->height());
  } else {
    const Size size = ParseSize("--size", settings.size);
    const SynthSlide slide({.width = size.width, .height = size.height, .seed = settings.seed});
    sample.image = slide.Image();
    sample.labels = slide.Mask();
  }
  const int64_t width = sample.image->width(), height = sample.image->height();
  if (settings.background > 0) {
    const int64_t first_empty = static_cast<int64_t>(static_cast<double>(width) * (1 - settings.background));
    sample.image = std::make_unique<Emptied>(std::move(sample.image), first_empty, 243);
    sample.labels = std::make_unique<Emptied>(std::move(sample.labels), first_empty, 0);
  }
  const int64_t w = ExtendedSize(graph, width), h = ExtendedSize(graph, height);
  if (!InCore(graph)[static_cast<size_t>(graph.output)]) CheckPixelLogits(graph, w, h);
  sample.image = ExtendedImage(graph, std::move(sample.image));
  sample.labels = ExtendedRows(std::move(sample.labels), w, h, static_cast<uint8_t>(settings.ignore_label));
  return sample;
}

struct Reference {
  StepResult exact;
  StepResult
      at_kinks;  ///< with float32's side where a value is zero but for rounding: what float32 is held against
  StepResult rounded;
};

/// One table: every tensor with its errors. Returns whether all are within tolerance. The arithmetic is
/// judged in the precision that the options ask for.
bool Check(const Graph& graph, const Objective& objective, const Sample& sample, const Reference& reference,
           const PlanOptions& options, bool seeded) {
  int64_t sweeps = 0;
  const auto run = [&](Precision precision) {
    PlanOptions precise = options;
    precise.precision = precision;
    const auto engine =
        MakeStreamingEngine(graph, objective, sample.image->width(), sample.image->height(), precise);
    sweeps = engine->plan().sweeps;
    return engine->Step(sample);
  };
  const auto schedule = CompareGradients(graph, run(Precision::kFloat64), reference.exact);
  const bool bf16 = options.precision == Precision::kBFloat16;
  const char* name = bf16 ? "bf16" : "float32";
  const auto arithmetic = CompareGradients(graph, run(options.precision), reference.at_kinks);
  const auto rounding = CompareGradients(graph, reference.rounded, reference.at_kinks);
  fmt::print("{}, {}, {}\n{:<24} {:>12} {:>12} {:>12} {:>12}\n", Plural(options.strips, "strip"),
             Plural(options.panels, "panel"), Plural(sweeps, "sweep"), "parameter", "max |g|", "schedule",
             name, "rounding");
  for (size_t i = 0; i < schedule.size(); ++i) {
    std::printf("%-24s %12.3g %12.2g %12.2g %12.2g%s\n", schedule[i].parameter.c_str(), schedule[i].largest,
                schedule[i].relative, arithmetic[i].relative, rounding[i].relative,
                schedule[i].zero ? "  gradient is zero, errors against the sum of its terms" : "");
  }
  const double worst_schedule = LargestRelative(schedule), worst_float = LargestRelative(arithmetic),
               worst_rounding = LargestRelative(rounding);
  const bool schedule_ok = worst_schedule <= kScheduleTolerance;
  // Where gradients cancel, as they do at trained weights, 1e-5 may be less than rounding the rows costs at
  // all.
  const bool float_ok =
      worst_float <= std::max(kArithmeticTolerance, seeded && !bf16 ? 0 : kRoundingRatio * worst_rounding);
  std::printf("%-24s %12s %12.2g %12.2g %12.2g  %s is %.2f times rounding%s%s%s\n", "largest", "",
              worst_schedule, worst_float, worst_rounding, name, worst_float / worst_rounding,
              schedule_ok ? "" : "  SCHEDULE IS OVER 1e-12",
              float_ok ? "" : "  OVER ITS TOLERANCE: ", float_ok ? "" : name);
  return schedule_ok && float_ok;
}

void Run(const Settings& settings) {
  Graph graph = LoadModel(settings.model, settings.seed, settings.classes);
  ChooseBatchNormalization(settings.model, settings.batchnorm, &graph);
  const bool seeded = IsBuiltInModel(settings.model);
  const OwnedObjective owned = MakeObjective(graph, settings.loss, settings.ignore_label);
  const Objective objective = owned.objective();
  const OwnedSample sample = MakeSample(settings, graph);
  const Sample pixels{sample.image.get(), sample.labels.get(), owned.AnyTarget(), settings.seed};
  std::printf("%s, %s, %lld × %lld px, %lld trainable values\n", settings.model.c_str(), owned.name.c_str(),
              static_cast<long long>(sample.image->width()), static_cast<long long>(sample.image->height()),
              static_cast<long long>(graph.trainable_size()));
  // Values that bf16 puts on the other side of a kink are more than those within rounding of it: there is no
  // side to be held against.
  std::vector<Kink> kinks;
  if (settings.plan.precision == Precision::kFloat32) kinks = FindKinks(graph, *sample.image, pixels.seed);
  Reference reference;
  reference.exact = MakeReferenceEngine(graph, objective, Precision::kFloat64)->Step(pixels);
  reference.at_kinks = kinks.empty()
                           ? reference.exact
                           : MakeReferenceEngine(graph, objective, Precision::kFloat64, kinks)->Step(pixels);
  reference.rounded = MakeReferenceEngine(graph, objective, settings.plan.precision, kinks)->Step(pixels);
  if (const auto sides = static_cast<long long>(reference.at_kinks.sides)) {
    std::printf("%lld value%s within rounding of a kink; there float32 is held against its own side\n", sides,
                sides == 1 ? "" : "s");
  }
  std::printf("loss %.12g\n", reference.exact.loss.loss);
  bool ok = true;
  for (const int64_t strips : settings.strips) {
    for (const int64_t panels : settings.panels) {
      PlanOptions options = settings.plan;
      options.strips = strips;
      options.panels = panels;
      ok &= Check(graph, objective, pixels, reference, options, seeded);
    }
  }
  if (!ok) Fail(ErrorCode::kNumeric, "{}: gradients are over tolerance, see the table", settings.model);
}

}  // namespace

void AddCheckGradients(CLI::App& app) {
  auto settings = std::make_shared<Settings>();
  CLI::App* command = app.add_subcommand(
      "check-gradients",
      "Compares the streaming engine's gradients with those of an in-core reference engine in doubles, for "
      "every\n"
      "parameter tensor, relative to its largest gradient.\n\n"
      "  schedule   the streaming engine on doubles: at most 1e-12\n"
      "  float32    the engine that trains: at most 1e-5; for a model from a file, whose gradients may "
      "cancel,\n"
      "             also up to twice rounding\n"
      "  rounding   the in-core engine with float32 rows and sums in doubles: what float32 rows cost at "
      "all\n"
      "With --precision bf16 there is bf16 instead of float32, held to twice rounding: that of rows, and of "
      "weights and\n"
      "gradients where they are multiplied as bf16.\n\n"
      "Example: swath check-gradients --model run/model.onnx --size 701x903 --strips 1,5\n"
      "Exit status 6 if a figure is over its tolerance. Needs about 2 KiB of memory a pixel.");
  command->add_option("--model", settings->model, "Built-in name or ONNX file")->capture_default_str();
  command->add_option("--classes", settings->classes, "Of a built-in model, for cross-entropy: a,b,c")
      ->delimiter(',');
  auto* size = command->add_option("--size", settings->size, "WIDTHxHEIGHT of a synthetic slide");
  size->capture_default_str();
  auto* slide = command->add_option("--slide", settings->slide, "A slide instead, whole")->excludes(size);
  auto* mask = command->add_option("--mask", settings->mask, "Its labels")->needs(slide);
  slide->needs(mask);
  command->add_option("--background", settings->background, "Share of the columns that is made constant")
      ->check(Number({.least = 0, .most = 0.99}))
      ->capture_default_str();
  command->add_option("--loss", settings->loss,
                      "bce, cross-entropy, dice or bce-dice; over slides bce, cross-entropy or mse");
  AddBatchNormalizationOption(command, &settings->batchnorm);
  command->add_option("--ignore-label", settings->ignore_label, "Label without loss, -1 for none")
      ->check(WholeNumber(-1, 255))
      ->capture_default_str();
  command->add_option("--strips", settings->strips, "Numbers of strips to try")
      ->delimiter(',')
      ->check(WholeNumber(1, kMostCounted))
      ->default_str("1,2,5");
  command->add_option("--panels", settings->panels, "Numbers of panels to try")
      ->delimiter(',')
      ->check(WholeNumber(1, kMostCounted))
      ->default_str("1");
  AddThreadsOption(command, &settings->plan);
  AddPrecisionOption(command, &settings->plan);
  command->add_option("--seed", settings->seed, "Of weights and slide")->check(Seed())->capture_default_str();
  command->callback([settings] { Run(*settings); });
}

}  // namespace swath::tools
