/// `swath model`: the layers of a network, and a built-in one as an ONNX file.
#include "swath/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "graph/downsample.h"
#include "layers/layer.h"
#include "tools/commands.h"
#include "tools/options.h"
#include "tools/weights_option.h"

namespace swath::tools {
namespace {

struct ModelOptions {
  std::string model;
  std::string output;
  std::string out;
  std::vector<std::string> classes;
  WeightsOption weights;
  uint64_t seed = 1;
};

/// Of the columns whose entries the network's exporter chose, or are long in some networks.
struct Widths {
  size_t name = 20;
  size_t type = 14;
  size_t channels = 11;
};

template <class... Others>
void PrintRow(const Widths& widths, const std::string& name, std::string_view type,
              const std::string& channels, const Others&... others) {
  fmt::print("{:<{}} {:<{}} {:<{}} ", name, widths.name, type, widths.type, channels, widths.channels);
  fmt::print("{:<8} {:<7} {:<10} {:>10}  {}\n", others...);
}

std::string Times(int64_t rows, int64_t columns) { return fmt::format("{}x{}", rows, columns); }

/// Size of a tensor relative to the image.
std::string Size(Ratio downsample) {
  return downsample == Ratio{} ? "1" : fmt::format("{}/{}", downsample.denominator, downsample.numerator);
}

std::string Size(const Downsample& downsample) {
  if (downsample.rows == downsample.columns) return Size(downsample.rows);
  return fmt::format("{} rows, {} columns", Size(downsample.rows), Size(downsample.columns));
}

int64_t ParameterCount(const Graph& graph, const Node& node) {
  int64_t count = 0;
  for (const int parameter : node.parameters)
    count += graph.parameters[static_cast<size_t>(parameter)].size();
  return count;
}

std::string Channels(const Node& node, const std::vector<Shape>& shapes) {
  std::string channels;
  for (const int src : node.srcs) {
    channels += fmt::format("{}{}", channels.empty() ? "" : "+", shapes[static_cast<size_t>(src)].channels);
  }
  return channels + fmt::format(" -> {}", shapes[static_cast<size_t>(node.dst)].channels);
}

void PrintNode(const Graph& graph, const Node& node, const std::vector<Shape>& shapes,
               const Downsample& downsample, const Widths& widths) {
  std::string kernel = "-", stride = "-", pads = "-";
  if (const auto* layer = dynamic_cast<const RowLayer*>(node.layer.get())) {
    const Window rows = layer->rows(1 << 20), columns = layer->columns(1 << 20);
    kernel = Times(rows.kernel, columns.kernel);
    stride = Times(rows.stride, columns.stride);
    pads = fmt::format("{} {} {} {}", rows.pad_begin, columns.pad_begin, rows.pad_end, columns.pad_end);
  }
  PrintRow(widths, node.name, node.layer->type(), Channels(node, shapes), kernel, stride, pads,
           ParameterCount(graph, node), Size(downsample));
}

void Print(const Graph& graph) {
  const std::vector<Shape> shapes = ValidateGraph(graph);
  const std::vector<Downsample> downsamples = Downsamples(graph);
  fmt::print("{}\n\n", graph.name);
  Widths widths;
  for (const Node& node : graph.nodes) {
    widths.name = std::max(widths.name, node.name.size());
    widths.type = std::max(widths.type, node.layer->type().size());
    widths.channels = std::max(widths.channels, Channels(node, shapes).size());
  }
  PrintRow(widths, "layer", "operator", "channels", "kernel", "stride", "pads", "parameters", "output size");
  for (const Node& node : graph.nodes)
    PrintNode(graph, node, shapes, downsamples[static_cast<size_t>(node.dst)], widths);
  int64_t all = 0;
  for (const Parameter& parameter : graph.parameters) all += parameter.size();
  fmt::print("\n{} trainable parameters, {} frozen or constant\n", graph.trainable_size(),
             all - graph.trainable_size());
  fmt::print("classes {}; sizes are extended to multiples of {} with the value {}\n",
             fmt::join(ModelClasses(graph), ", "), ModelMultiple(graph), ModelExtension(graph));
  if (const auto mpp = ModelMpp(graph)) fmt::print("trained at {:.4g} um a pixel\n", *mpp);
}

void Run(const ModelOptions& options) {
  if (!options.output.empty() && IsBuiltInModel(options.model))
    Fail(ErrorCode::kUsage, "--output: is for files; {} has one output", options.model);
  Graph graph = options.output.empty() ? LoadModel(options.model, options.seed, options.classes)
                                       : ImportOnnx(options.model, options.output);
  if (!options.weights.file.empty()) {
    LoadWeightsOption(options.weights, &graph);
    fmt::print("\n");
  }
  Print(graph);
  if (!options.out.empty()) ExportOnnx(graph, options.out);
}

}  // namespace

void AddModel(CLI::App& app) {
  const auto options = std::make_shared<ModelOptions>();
  CLI::App* model = app.add_subcommand("model", "Print the layers of a network; write it as ONNX");
  model
      ->add_option("model", options->model,
                   fmt::format("An ONNX file, or {};\noptions follow a colon: {}",
                               fmt::join(BuiltInModelNames(), ", "), kModelOptionsExample))
      ->required();
  model->add_option("-o,--out", options->out, "Write the network to this ONNX file");
  CLI::Option* output =
      model->add_option("--output", options->output, "Of a file with several outputs, the one to keep");
  model
      ->add_option("--classes", options->classes,
                   "Names of a built-in network's classes, the background's first [background,tissue]")
      ->delimiter(',')
      ->excludes(output);
  AddWeightsOption(model, &options->weights, "Options");
  model->add_option("--seed", options->seed, "Seed of a built-in network's initial weights")
      ->check(Seed())
      ->capture_default_str();
  model->footer(
      "Examples:\n  swath model unet-4492\n  swath model unet-4492 --seed 7 -o net.onnx\n  swath model "
      "net.onnx\n  swath model unet-4492 --classes background,tumour,stroma -o net.onnx\n  swath model "
      "unet:base=16,norm=batch\n  swath model resnet-18:head=attention --weights resnet18.safetensors -o "
      "net.onnx");
  model->callback([options] { Run(*options); });
}

}  // namespace swath::tools
