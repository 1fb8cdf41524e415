/// From an ONNX model to a validated graph.
#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>

#include "base/error.h"
#include "graph/fuse.h"
#include "graph/metadata.h"
#include "graph/onnx_messages.h"
#include "graph/onnx_nodes.h"
#include "graph/trainable.h"
#include "graph/with_path.h"
#include "layers/layer.h"
#include "swath/model.h"

namespace swath {
namespace {

class Importer {
 public:
  Importer(const onnx::ModelProto& model, const std::string& folder, const std::string& output)
      : model_(model), file_(model.graph()), folder_(folder), wanted_output_(output) {}

  Graph Run() {
    CheckVersions();
    FindInput();
    FindOutput();
    order_ = OrderNodes(file_, output_->name());
    if (declared_.declared) return ReadDeclared();
    // A size that the file leaves open must not matter. Sizes that all usual strides divide, of no ratio that
    // a network would have, tell a fraction of the image from a number.
    constexpr int64_t kUnit = 40320;
    // Some networks, without pads and with skips, fit only every so many pixels.
    constexpr int64_t kMostTries = 16;
    std::optional<Error> error;
    for (int64_t more = 0; more < kMostTries; ++more) {
      try {
        Graph graph = ReadGraph({.width = 3 * kUnit + more, .height = 2 * kUnit + more});
        CheckSame(graph, ReadGraph({.width = 4 * kUnit + more, .height = 5 * kUnit + more}));
        return graph;
      } catch (const Error& e) {
        if (!error) error = e;
      }
    }
    throw *error;
  }

 private:
  /// A size that the file declares is one of many, unless something shows that it matters.
  Graph ReadDeclared() const {
    bool depends = false;
    Graph graph = ReadGraph(declared_, &depends);
    if (!depends || graph.fixed_width > 0) return graph;
    try {
      CheckSame(graph, ReadGraph({.width = 2 * declared_.width, .height = 3 * declared_.height}));
    } catch (const Error&) {
      graph.fixed_width = declared_.width;
      graph.fixed_height = declared_.height;
    }
    return graph;
  }

  void CheckVersions() {
    for (const onnx::OperatorSetIdProto& opset : model_.opset_import()) {
      if (!IsDefaultDomain(opset.domain())) continue;  // refused where a node uses it
      opset_ = opset.version();
      if (opset.version() >= kOldestOpset && opset.version() <= kNewestOpset) continue;
      Fail(ErrorCode::kUnsupported, "the model uses opset {}, expected {} to {}", opset.version(),
           kOldestOpset, kNewestOpset);
    }
    if (opset_ == 0) Fail(ErrorCode::kInput, "the model does not say which opset it uses");
    if (file_.sparse_initializer_size() > 0)
      Fail(ErrorCode::kUnsupported, "sparse initialisers are not supported");
  }

  static void CheckType(const onnx::ValueInfoProto& value, const char* what) {
    if (!value.type().has_tensor_type())
      Fail(ErrorCode::kUnsupported, "{} '{}' is no tensor, expected one of float32", what, value.name());
    const int type = value.type().tensor_type().elem_type();
    if (type == onnx::TensorProto::FLOAT) return;
    Fail(ErrorCode::kUnsupported, "{} '{}' is of type {}, expected float32", what, value.name(),
         DataTypeName(type));
  }

  void FindInput() {
    std::set<std::string> initializers;
    for (const onnx::TensorProto& initializer : file_.initializer()) initializers.insert(initializer.name());
    std::vector<const onnx::ValueInfoProto*> inputs;
    for (const onnx::ValueInfoProto& input : file_.input()) {
      if (initializers.count(input.name()) == 0) inputs.push_back(&input);
    }
    if (inputs.size() != 1)
      Fail(ErrorCode::kUnsupported, "the model has {} inputs, expected one image", inputs.size());
    input_ = inputs[0];
    CheckType(*input_, "the input");
    const onnx::TypeProto::Tensor& tensor = input_->type().tensor_type();
    const auto& dims = tensor.shape().dim();
    if (!tensor.has_shape() || dims.size() != 4) {
      Fail(ErrorCode::kUnsupported,
           "the input '{}' has {} dimensions, expected 4 (batch, channels, height, width)", input_->name(),
           dims.size());
    }
    if (dims[0].dim_value() > 1) {  // some exporters write -1 for a batch that is left open
      Fail(ErrorCode::kUnsupported, "the input '{}' has a batch of {}, expected 1 or one left open",
           input_->name(), dims[0].dim_value());
    }
    channels_ = dims[1].dim_value();
    if (channels_ < 1 || channels_ > 65536) {
      Fail(ErrorCode::kUnsupported, "the input '{}' has {} channels, expected a fixed number from 1 to 65536",
           input_->name(), channels_);
    }
    constexpr int64_t kMostDeclared = int64_t{1} << 30;
    declared_ = {.width = dims[3].dim_value(), .height = dims[2].dim_value()};
    declared_.declared = declared_.width > 0 && declared_.height > 0;
    if (declared_.width > kMostDeclared || declared_.height > kMostDeclared) {
      Fail(ErrorCode::kUnsupported, "the input '{}' is {} × {} px, which is too large", input_->name(),
           declared_.width, declared_.height);
    }
  }

  void FindOutput() {
    std::vector<std::string> names;
    for (const onnx::ValueInfoProto& output : file_.output()) {
      names.push_back(output.name());
      if (output.name() == wanted_output_ || (file_.output_size() == 1 && wanted_output_.empty()))
        output_ = &output;
    }
    if (!output_ && wanted_output_.empty()) {
      Fail(
          ErrorCode::kUnsupported,
          "the model has {} outputs ({}), expected one; swath model --output NAME -o FILE writes it with one",
          file_.output_size(), fmt::join(names, ", "));
    }
    if (!output_)
      Fail(ErrorCode::kInput, "the model has no output '{}'; there are {}", wanted_output_,
           fmt::join(names, ", "));
    CheckType(*output_, "the output");
    const onnx::TypeProto::Tensor& tensor = output_->type().tensor_type();
    if (tensor.has_shape() && tensor.shape().dim_size() > 0 && tensor.shape().dim(0).dim_value() > 1 &&
        tensor.shape().dim_size() == 4) {
      Fail(ErrorCode::kUnsupported, "the output '{}' has a batch of {}, expected 1 or one left open",
           output_->name(), tensor.shape().dim(0).dim_value());
    }
  }

  Graph ReadGraph(const NominalSize& size, bool* depends_on_size = nullptr) const {
    Graph graph;
    graph.name = file_.name();
    OnnxNodes nodes(file_, opset_, folder_, size, &graph);
    nodes.AddInput(input_->name(), channels_);
    for (const int index : order_) nodes.Add(index);
    nodes.Finish(output_->name());
    if (depends_on_size) *depends_on_size = nodes.depends_on_size();
    CheckOutput(graph, size);
    for (Parameter& parameter : graph.parameters)
      parameter.trainable = parameter.trainable && nodes.constants().count(parameter.name) == 0;
    FuseSpellings(&graph);
    const std::vector<bool> trains = TrainsByDefault(graph);
    for (size_t p = 0; p < trains.size(); ++p)
      graph.parameters[p].trainable = graph.parameters[p].trainable && trains[p];
    ReadMetadata(&graph);
    return graph;
  }

  void CheckOutput(const Graph& graph, const NominalSize& size) const {
    const auto& dims = output_->type().tensor_type().shape().dim();
    const Shape shape = InferShapes(graph, size.width, size.height)[static_cast<size_t>(graph.output)];
    const bool map = !InCore(graph)[static_cast<size_t>(graph.output)];
    if (!map || dims.size() != 4 || dims[1].dim_value() == 0) return;
    if (dims[1].dim_value() == shape.channels || dims[3].dim_value() == shape.channels) return;
    Fail(ErrorCode::kInput, "the output '{}' is declared with {} channels, but has {}", output_->name(),
         dims[1].dim_value(), shape.channels);
  }

  /// The same network at another size of image.
  static void CheckSame(const Graph& graph, const Graph& other) {
    const auto refuse = [](const std::string& what) {
      Fail(ErrorCode::kUnsupported,
           "{} depends on the size of the image in a way that is not a fixed ratio; export the model for a "
           "fixed "
           "size, or with scale factors in place of sizes",
           what);
    };
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      const Node& node = graph.nodes[n];
      if (n < other.nodes.size() && Describe(node) == Describe(other.nodes[n])) continue;
      refuse(fmt::format("[{} {}]", node.layer->type(), node.name));
    }
    // Every one is read by some node, and those are the same.
    for (size_t p = 0; p < graph.parameters.size(); ++p) {
      const Parameter &a = graph.parameters[p], &b = other.parameters[p];
      if (a.name != b.name || a.dims != b.dims || a.values != b.values)
        refuse(fmt::format("constant '{}'", a.name));
    }
    if (graph.nodes.size() != other.nodes.size() || graph.output != other.output) refuse("the network");
  }

  /// Everything that a size could have got into.
  static std::string Describe(const Node& node) {
    std::string text = fmt::format("{} {} {} {}", node.layer->type(), fmt::join(node.srcs, ","),
                                   fmt::join(node.parameters, ","), node.dst);
    for (const auto& [name, value] : node.layer->attributes()) {
      text += " " + name + "=";
      if (const auto* ints = std::get_if<std::vector<int64_t>>(&value)) {
        text += fmt::format("{}", fmt::join(*ints, ","));
      } else if (const auto* floats = std::get_if<std::vector<double>>(&value)) {
        text += fmt::format("{}", fmt::join(*floats, ","));
      } else if (const auto* s = std::get_if<std::string>(&value)) {
        text += *s;
      } else if (const auto* i = std::get_if<int64_t>(&value)) {
        text += fmt::format("{}", *i);
      } else {
        text += fmt::format("{}", std::get<double>(value));
      }
    }
    for (const Setting& setting : node.layer->settings())
      text += fmt::format(" {}={}", setting.name, fmt::join(setting.values, ","));
    return text;
  }

  void ReadMetadata(Graph* graph) const {
    for (const onnx::StringStringEntryProto& entry : model_.metadata_props()) {
      if (!graph->metadata.emplace(entry.key(), entry.value()).second) {
        Fail(ErrorCode::kInput, "metadata {} is given twice", entry.key());
      }
    }
    CheckMetadata(*graph);
    const auto frozen = graph->metadata.find(kFrozenKey);
    if (frozen == graph->metadata.end()) return;
    for (const std::string& name : ParseNames(frozen->second)) {
      const auto it = std::find_if(graph->parameters.begin(), graph->parameters.end(),
                                   [&](const Parameter& parameter) { return parameter.name == name; });
      if (it == graph->parameters.end()) {
        Fail(ErrorCode::kInput, "metadata {} names '{}', which is not a parameter", kFrozenKey, name);
      }
      it->trainable = false;
    }
    graph->metadata.erase(frozen);
  }

  const onnx::ModelProto& model_;
  const onnx::GraphProto& file_;
  std::string folder_;
  std::string wanted_output_;
  int64_t opset_ = 0;
  const onnx::ValueInfoProto* input_ = nullptr;
  const onnx::ValueInfoProto* output_ = nullptr;
  int64_t channels_ = 0;
  NominalSize declared_;
  std::vector<int> order_;
};

}  // namespace

Graph ImportOnnx(const std::string& path, const std::string& output) {
  return WithPath(path, [&] {
    const onnx::ModelProto model = ReadModel(path);
    return Importer(model, std::filesystem::path(path).parent_path().string(), output).Run();
  });
}

}  // namespace swath
