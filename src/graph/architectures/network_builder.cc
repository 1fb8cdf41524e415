#include "graph/architectures/network_builder.h"

#include "base/error.h"
#include "graph/initialise.h"

namespace swath {

NetworkBuilder::NetworkBuilder(const ArchitectureRequest& request)
    : classes_(request.classes), random_(request.seed) {
  graph_.name = request.name;
  if (classes_.size() > 2) graph_.name += fmt::format(" of {} classes", classes_.size());
  graph_.input = graph_.AddTensor("image");
}

int64_t NetworkBuilder::logits() const {
  return classes_.size() == 2 ? 1 : static_cast<int64_t>(classes_.size());
}

BuiltTensor NetworkBuilder::Ink() {
  const int shift = Constant("normalise.shift", {1, 3, 1, 1}, std::vector<float>(3, -255.0f));
  const int scale = Constant("normalise.scale", {1, 3, 1, 1}, std::vector<float>(3, -0x1p-6f));
  const BuiltTensor shifted = Apply("normalise.shift", MakeAdd(), {image()}, {shift});
  return Apply("normalise.scale", MakeMul(), {shifted}, {scale});
}

BuiltTensor NetworkBuilder::ImageNetColours() {
  std::vector<float> means, deviations;
  for (const double mean : {0.485, 0.456, 0.406}) means.push_back(static_cast<float>(255 * mean));
  for (const double d : {0.229, 0.224, 0.225}) deviations.push_back(static_cast<float>(255 * d));
  const int mean = Constant("normalise.mean", {1, 3, 1, 1}, means);
  const int deviation = Constant("normalise.deviation", {1, 3, 1, 1}, deviations);
  const BuiltTensor centred = Apply("normalise.centre", MakeSub(), {image()}, {mean});
  return Apply("normalise.scale", MakeDiv(), {centred}, {deviation});
}

BuiltTensor NetworkBuilder::Conv(const std::string& name, BuiltTensor src, const ConvSpec& spec) {
  const Window window = {
      .kernel = spec.kernel, .stride = spec.stride, .pad_begin = spec.pad, .pad_end = spec.pad};
  const std::vector<int64_t> dims = {spec.channels, src.channels / spec.groups, spec.kernel, spec.kernel};
  const int64_t count = dims[0] * dims[1] * dims[2] * dims[3];
  std::vector<int> parameters = {Trained(name + ".weight", dims, Draw(count, spec.deviation))};
  if (spec.bias) {
    const std::vector<float> zeros(static_cast<size_t>(spec.channels));
    parameters.push_back(Trained(name + ".bias", {spec.channels}, zeros));
  }
  const auto layer = MakeConv({.rows = window, .columns = window, .groups = spec.groups});
  return {Apply(name, layer, {src}, std::move(parameters)).tensor, spec.channels};
}

BuiltTensor NetworkBuilder::ConvTranspose(const std::string& name, BuiltTensor src, int64_t channels,
                                          int64_t factor, double deviation) {
  const Window window = {.kind = Window::Kind::kScatter, .kernel = factor, .stride = factor};
  const int64_t count = src.channels * channels * factor * factor;
  const int weights =
      Trained(name + ".weight", {src.channels, channels, factor, factor}, Draw(count, deviation));
  const int bias = Trained(name + ".bias", {channels}, std::vector<float>(static_cast<size_t>(channels)));
  const auto layer = MakeConvTranspose({.rows = window, .columns = window});
  return {Apply(name, layer, {src}, {weights, bias}).tensor, channels};
}

BuiltTensor NetworkBuilder::BatchNormalization(const std::string& name, BuiltTensor src) {
  std::vector<int> parameters = ScaleAndBias(name, src.channels);
  const size_t n = static_cast<size_t>(src.channels);
  parameters.push_back(Constant(name + ".running_mean", {src.channels}, std::vector<float>(n, 0.0f)));
  parameters.push_back(Constant(name + ".running_var", {src.channels}, std::vector<float>(n, 1.0f)));
  // As a file holds them.
  const auto layer = MakeFrozenBatchNormalization({.epsilon = double{1e-5f}, .momentum = double{0.9f}});
  return Apply(name, layer, {src}, std::move(parameters));
}

BuiltTensor NetworkBuilder::Normalization(const std::string& name, std::shared_ptr<const Layer> layer,
                                          BuiltTensor src) {
  return Apply(name, std::move(layer), {src}, ScaleAndBias(name, src.channels));
}

BuiltTensor NetworkBuilder::Linear(const std::string& name, BuiltTensor src, int64_t outputs,
                                   double deviation) {
  const int weights =
      Trained(name + ".weight", {outputs, src.channels}, Draw(outputs * src.channels, deviation));
  const int bias = Trained(name + ".bias", {outputs}, std::vector<float>(static_cast<size_t>(outputs)));
  return {Apply(name, MakeLinear({.transposed = true}), {src}, {weights, bias}).tensor, outputs};
}

BuiltTensor NetworkBuilder::Enlarge(const std::string& name, BuiltTensor src, int64_t factor) {
  return Apply(name,
               MakeResize({.mode = ResizeMode::kLinear, .rows = {.up = factor}, .columns = {.up = factor}}),
               {src});
}

BuiltTensor NetworkBuilder::Concat(const std::string& name, const std::vector<BuiltTensor>& srcs) {
  int64_t channels = 0;
  for (const BuiltTensor& src : srcs) channels += src.channels;
  return {Apply(name, MakeConcat(), srcs).tensor, channels};
}

BuiltTensor NetworkBuilder::Apply(const std::string& name, std::shared_ptr<const Layer> layer,
                                  const std::vector<BuiltTensor>& srcs, std::vector<int> parameters) {
  std::vector<int> tensors;
  for (const BuiltTensor& src : srcs) tensors.push_back(src.tensor);
  const int dst = graph_.AddNode(name, std::move(layer), std::move(tensors), std::move(parameters));
  return {dst, srcs[0].channels};
}

int NetworkBuilder::Constant(std::string name, std::vector<int64_t> dims, std::vector<float> values) {
  return graph_.AddParameter(
      {.name = std::move(name), .dims = std::move(dims), .values = std::move(values), .trainable = false});
}

int NetworkBuilder::Trained(std::string name, std::vector<int64_t> dims, std::vector<float> values) {
  return graph_.AddParameter({.name = std::move(name), .dims = std::move(dims), .values = std::move(values)});
}

Graph NetworkBuilder::Finish(BuiltTensor output, OutputOf of) {
  graph_.output = output.tensor;
  graph_.tensors[static_cast<size_t>(output.tensor)] = "logits";
  graph_.metadata = {{"swath.extension", "255"},
                     {"swath.multiple", fmt::format("{}", TotalStride(graph_))},
                     {"swath.output", of == OutputOf::kPixels ? "logits" : "slide-logits"},
                     {"swath.version", "1"}};
  if (output.channels == logits())
    graph_.metadata["swath.classes"] = fmt::format("{}", fmt::join(classes_, ","));
  return std::move(graph_);
}

std::vector<float> NetworkBuilder::Draw(int64_t count, double deviation) {
  return DrawNormal(count, deviation, &random_);
}

std::vector<int> NetworkBuilder::ScaleAndBias(const std::string& name, int64_t channels) {
  const size_t n = static_cast<size_t>(channels);
  return {Trained(name + ".weight", {channels}, std::vector<float>(n, 1.0f)),
          Trained(name + ".bias", {channels}, std::vector<float>(n, 0.0f))};
}

}  // namespace swath
