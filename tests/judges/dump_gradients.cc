/// Writes models, images, labels, losses and gradients of the streaming engine in doubles, for PyTorch to
/// recompute.
///
///   dump_gradients DIR
///
/// DIR/cases.json lists the cases. Every case is a folder: model.onnx, image.bin (uint8, [slide, row, column,
/// channel]) and labels.bin (uint8, [slide, row, column]) of the images before they are extended,
/// gradients.bin (float64, one parameter after the other), of several slides the mean.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "geometry/window.h"
#include "layers/layer.h"
#include "swath/engine.h"
#include "swath/extended_rows.h"
#include "swath/model.h"
#include "tests/judges/onnx_seeds.h"
#include "tests/judges/raw_files.h"
#include "tests/support/mean_step.h"
#include "tests/support/memory_image.h"
#include "tests/support/named_networks.h"
#include "tests/support/random_graph.h"
#include "tests/support/rounding_noise.h"

namespace swath::test {
namespace {

constexpr uint8_t kIgnored = 255;
constexpr uint32_t kRandomNetworks = 40;
constexpr uint32_t kAnyNetworks = 150;

struct Case {
  std::string name;
  Graph graph;
  int64_t width = 0;
  int64_t height = 0;
  LossOptions loss;
  std::optional<SlideLossOptions> slide_loss;  ///< instead
  PlanOptions plan;
  uint32_t seed = 0;
  BatchNormalizationMode batchnorm = BatchNormalizationMode::kFrozen;
  int64_t slides = 1;
};

/// One of the slides of a case, extended as its network wants it.
struct Slide {
  std::unique_ptr<RowSource> image, labels;
  Sample sample;
};

nlohmann::json WriteGradients(const Graph& graph, const StepResult& result, const StepResult& reference,
                              const std::vector<double>& noise, const std::filesystem::path& path) {
  nlohmann::json index = nlohmann::json::array();
  std::vector<double> all;
  for (size_t i = 0; i < graph.parameters.size(); ++i) {
    const std::vector<double>& gradient = result.gradients[i];
    if (gradient.empty()) continue;
    index.push_back({{"name", graph.parameters[i].name},
                     {"offset", all.size()},
                     {"size", gradient.size()},
                     {"terms", reference.term_sums[i]},
                     {"noise", noise[index.size()]}});
    all.insert(all.end(), gradient.begin(), gradient.end());
  }
  WriteRaw<double>(path, all);
  return index;
}

nlohmann::json WriteCase(const Case& c, const std::filesystem::path& root) {
  const std::filesystem::path folder = root / c.name;
  std::filesystem::create_directories(folder);
  ExportOnnx(c.graph, (folder / "model.onnx").string());
  // As the file has it: ONNX keeps attributes in single precision.
  Graph graph = ImportOnnx((folder / "model.onnx").string());
  // A file has BatchNormalization as it is at inference.
  SetBatchNormalization(&graph, c.batchnorm);

  const std::unique_ptr<Loss> loss = c.slide_loss ? nullptr : MakeLoss(c.loss);
  const std::unique_ptr<SlideLoss> slide_loss = c.slide_loss ? MakeSlideLoss(*c.slide_loss) : nullptr;
  const Objective objective = loss ? Objective(loss.get()) : Objective(slide_loss.get());
  const int classes = c.loss.logits == 1 ? 2 : static_cast<int>(c.loss.logits);
  const int64_t multiple = graph.metadata.contains("swath.multiple") ? ModelMultiple(graph) : 1;
  const int64_t width = RoundUp(c.width, multiple), height = RoundUp(c.height, multiple);
  std::vector<Slide> slides;
  std::vector<uint8_t> pixels, all_labels;
  std::vector<std::vector<double>> targets;
  for (int64_t i = 0; i < c.slides; ++i) {
    const uint32_t seed = c.seed + 10000 * static_cast<uint32_t>(i);
    MemoryImage image = RandomImage(c.width, c.height, graph.input_channels, seed);
    MemoryImage labels = RandomLabels(c.width, c.height, classes, seed + 1);
    pixels.insert(pixels.end(), image.pixels().begin(), image.pixels().end());
    all_labels.insert(all_labels.end(), labels.pixels().begin(), labels.pixels().end());
    Slide slide{ExtendedRows(image.Clone(), width, height, static_cast<uint8_t>(ModelExtension(graph))),
                ExtendedRows(labels.Clone(), width, height, kIgnored),
                {}};
    slide.sample = {slide.image.get(), slide.labels.get()};
    if (slide_loss)
      slide.sample.target.assign(static_cast<size_t>(slide_loss->targets()), i % 2 == 0 ? 1.0 : 0.0);
    targets.push_back(slide.sample.target);
    slides.push_back(std::move(slide));
  }
  WriteRaw<uint8_t>(folder / "image.bin", pixels);
  WriteRaw<uint8_t>(folder / "labels.bin", all_labels);

  PlanOptions plan = c.plan;
  plan.precision = Precision::kFloat64;
  const auto engine = MakeStreamingEngine(graph, objective, width, height, plan);
  std::vector<StepResult> results, references;
  std::vector<double> noise(graph.parameters.size());
  for (const Slide& slide : slides) {
    results.push_back(engine->Step(slide.sample));
    // Only to tell gradients that are zero but for rounding.
    references.push_back(MakeReferenceEngine(graph, objective, Precision::kFloat64)->Step(slide.sample));
    const std::vector<double> of_slide = RoundingNoise(graph, objective, slide.sample, references.back());
    for (size_t p = 0; p < of_slide.size(); ++p) noise[p] = std::max(noise[p], of_slide[p]);
  }
  const StepResult result = MeanStep(results);
  return {
      {"name", c.name},
      {"width", c.width},
      {"height", c.height},
      {"channels", graph.input_channels},
      {"multiple", multiple},
      {"slides", c.slides},
      {"targets", targets},
      {"slide", static_cast<bool>(slide_loss)},
      {"batchnorm", c.batchnorm == BatchNormalizationMode::kImage ? "image" : "frozen"},
      {"loss", slide_loss ? ToString(c.slide_loss->kind) : ToString(c.loss.kind)},
      {"class_weights", c.loss.class_weights},
      {"ignore_label", c.loss.ignore_label},
      {"dice_epsilon", c.loss.dice_epsilon},
      {"strips", plan.strips},
      {"value", result.loss.loss},
      {"gradients", WriteGradients(graph, result, MeanStep(references), noise, folder / "gradients.bin")}};
}

BatchNormalizationMode EveryOther(uint32_t seed) {
  return seed % 2 == 0 ? BatchNormalizationMode::kImage : BatchNormalizationMode::kFrozen;
}

std::vector<Case> Cases() {
  std::vector<Case> cases;
  struct Size {
    int64_t width, height, strips;
  };
  for (const Size size : {Size{256, 256, 3}, Size{201, 333, 2}}) {
    for (const LossKind kind : {LossKind::kBce, LossKind::kDice, LossKind::kBceDice}) {
      const auto seed = static_cast<uint32_t>(cases.size() + 1);
      cases.push_back({.name = fmt::format("unet-4492-{}x{}-{}", size.width, size.height, ToString(kind)),
                       .graph = BuiltInModel("unet-4492", seed),
                       .width = size.width,
                       .height = size.height,
                       .loss = {.kind = kind,
                                .class_weights = kind == LossKind::kDice ? std::vector<double>{}
                                                                         : std::vector<double>{0.75, 2.5},
                                .dice_epsilon = 0.5},
                       .plan = {.threads = 2, .strips = size.strips},
                       .seed = seed});
    }
  }
  for (const uint32_t seed : OnnxSeeds(1000, kRandomNetworks)) {
    RandomNetwork network = MakeRandomNetwork(seed);
    constexpr LossKind kKinds[] = {LossKind::kBce, LossKind::kDice, LossKind::kBceDice};
    LossOptions loss{.kind = kKinds[seed % 3], .logits = network.logits};
    if (loss.kind == LossKind::kBce && network.logits > 1) loss.kind = LossKind::kCrossEntropy;
    const int64_t classes = network.logits == 1 ? 2 : network.logits;
    const bool weighted = loss.kind != LossKind::kDice || network.logits > 1;
    for (int64_t k = 0; k < classes && seed % 2 == 0 && weighted; ++k)
      loss.class_weights.push_back(0.5 + double(k));
    if (seed % 5 == 0 && weighted) loss.class_weights.assign(static_cast<size_t>(classes), 1.0);
    cases.push_back({.name = fmt::format("random-{}-{}", seed, ToString(loss.kind)),
                     .graph = std::move(network.graph),
                     .width = network.width,
                     .height = network.height,
                     .loss = loss,
                     .plan = {.threads = 2, .strips = 1 + seed % 4},
                     .seed = seed,
                     .batchnorm = EveryOther(seed)});
  }
  for (const uint32_t seed : OnnxSeeds(5000, kAnyNetworks, Variety::kAll)) {
    RandomNetwork network = MakeRandomNetwork(seed, Variety::kAll);
    Case c{.name = fmt::format("any-{}", seed),
           .graph = std::move(network.graph),
           .width = network.width,
           .height = network.height,
           .loss = {.kind = network.logits == 1 ? LossKind::kBce : LossKind::kCrossEntropy,
                    .logits = network.logits},
           .plan = {.threads = 2, .strips = 1 + seed % 4, .panels = 1 + seed % 3},
           .seed = seed,
           .batchnorm = EveryOther(seed)};
    constexpr SlideLossKind kKinds[] = {SlideLossKind::kBce, SlideLossKind::kMse,
                                        SlideLossKind::kCrossEntropy};
    if (network.slide)
      c.slide_loss =
          SlideLossOptions{.kind = kKinds[seed % (network.logits > 1 ? 3 : 2)], .values = network.logits};
    cases.push_back(std::move(c));
  }
  for (NamedNetwork& network : NamedNetworks()) {
    Case c{.name = network.name,
           .graph = std::move(network.graph),
           .width = network.width,
           .height = network.height,
           .plan = {.threads = 2, .strips = 3, .panels = 2},
           .seed = 1,
           .slides = network.slides};
    if (InCore(c.graph)[static_cast<size_t>(c.graph.output)]) c.slide_loss = SlideLossOptions{};
    cases.push_back(std::move(c));
  }
  return cases;
}

}  // namespace
}  // namespace swath::test

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: dump_gradients DIR\n");
    return 2;
  }
  try {
    nlohmann::json index = nlohmann::json::array();
    for (const auto& c : swath::test::Cases()) index.push_back(swath::test::WriteCase(c, argv[1]));
    swath::test::WriteJson(std::filesystem::path(argv[1]) / "cases.json", index);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "dump_gradients: %s\n", e.what());
    return 1;
  }
  return 0;
}
