#include "train/run_settings.h"

#include <fmt/format.h>

#include <variant>

#include "base/crc32c.h"
#include "layers/layer.h"
#include "train/training_state.h"

namespace swath {

namespace {

uint32_t TissueDigest(const TissueMap& tissue) {
  return Crc32c({reinterpret_cast<const char*>(tissue.cells.data()), tissue.cells.size()});
}

}  // namespace

nlohmann::json RunSettings(const Dataset& dataset, const Graph& graph, const std::vector<size_t>& frozen,
                           const TrainOptions& options) {
  auto slides = nlohmann::json::array(), labels = nlohmann::json::array();
  for (const auto& [name, rule] : dataset.options.label_rules.classes)
    labels.push_back({name, static_cast<int>(rule.kind), rule.label});
  labels.push_back(dataset.options.label_rules.elsewhere);
  for (const DatasetEntry& entry : dataset.entries) {
    if (entry.split == Split::kTest) continue;
    const Region region = entry.region.value_or(Region{});
    slides.push_back({entry.name, ToString(entry.split), region.x, region.y, entry.width(), entry.height()});
    // Found anew, or drawn again, it may be another.
    if (entry.tissue) slides.back().push_back(TissueDigest(*entry.tissue));
  }
  auto network = nlohmann::json::array({graph.name});
  for (const Parameter& parameter : graph.parameters) network.push_back({parameter.name, parameter.dims});
  for (const Node& node : graph.nodes) {
    auto attributes = nlohmann::json::object();
    for (const auto& [name, value] : node.layer->attributes())
      std::visit([&, key = name](const auto& v) { attributes[key] = v; }, value);
    for (const Setting& setting : node.layer->settings()) attributes[setting.name] = setting.values;
    // BatchNormalization is one of two.
    const int kind = static_cast<int>(node.layer->kind());
    network.push_back({node.layer->type(), node.srcs, node.dst, attributes, kind});
  }
  auto freeze = nlohmann::json::array(), factors = nlohmann::json::array();
  for (const size_t p : frozen) freeze.push_back(graph.parameters[p].name);
  for (size_t p = 0; p < options.optimizer.factors.size(); ++p) {
    const double factor = options.optimizer.factors[p];
    if (factor != 1) factors.push_back({graph.parameters[p].name, factor});
  }
  auto region = nlohmann::json();
  if (options.sample_region) region = {options.sample_region->width, options.sample_region->height};
  return {
      {"data", slides},
      {"model", network},
      {"loss", options.slide_loss ? ToString(options.slide_loss->kind) : ToString(options.loss.kind)},
      {"class-weights", options.slide_loss ? options.slide_loss->class_weights : options.loss.class_weights},
      {"sample-region", region},
      {"augment", ToWords(options.augment)},
      {"dropout", options.dropout},
      {"ignore-label", options.loss.ignore_label},
      {"label", labels},
      {"freeze", freeze},
      {"weights", fmt::format("values {:016x}", HashOfFixedValues(graph))},
      {"optimizer", ToString(options.optimizer.kind)},
      {"lr-of", factors},
      {"accumulate", options.accumulate},
      {"seed", options.seed},
      {"strips", options.plan.strips},
      {"precision", ToString(options.plan.precision)},
      {"memory", options.memory}};
}

}  // namespace swath
