/// From a graph to an ONNX model.
#include <algorithm>
#include <cctype>
#include <cstring>
#include <fstream>
#include <map>
#include <set>

#include "base/error.h"
#include "base/pending_file.h"
#include "graph/metadata.h"
#include "graph/onnx_messages.h"
#include "graph/onnx_spelling.h"
#include "graph/trainable.h"
#include "layers/layer.h"
#include "swath/model.h"

namespace swath {
namespace {

// Old enough for every reader of ONNX in use, and for Debian 12's checker.
constexpr int64_t kIrVersion = 8;
constexpr int64_t kOpset = 17;
// AveragePool has dilations from here on.
constexpr int64_t kDilatedPoolIrVersion = 9;
constexpr int64_t kDilatedPoolOpset = 19;
// The Reduce operators have their axes as an input from here on.
constexpr int64_t kAxesInputOpset = 18;

bool IsOnes(const AttributeValue& value) {
  const auto* ints = std::get_if<std::vector<int64_t>>(&value);
  return ints != nullptr && *ints == std::vector<int64_t>(ints->size(), 1);
}

bool IsDilatedPool(const Layer& layer) {
  if (layer.type() != "AveragePool") return false;
  const Attributes attributes = layer.attributes();
  const auto it = attributes.find("dilations");
  return it != attributes.end() && !IsOnes(it->second);
}

void WriteAttribute(const std::string& name, const AttributeValue& value, onnx::NodeProto* node) {
  onnx::AttributeProto* out = node->add_attribute();
  out->set_name(name);
  if (const auto* i = std::get_if<int64_t>(&value)) {
    out->set_type(onnx::AttributeProto::INT);
    out->set_i(*i);
  } else if (const auto* f = std::get_if<double>(&value)) {
    out->set_type(onnx::AttributeProto::FLOAT);
    out->set_f(static_cast<float>(*f));
  } else if (const auto* s = std::get_if<std::string>(&value)) {
    out->set_type(onnx::AttributeProto::STRING);
    out->set_s(*s);
  } else if (const auto* ints = std::get_if<std::vector<int64_t>>(&value)) {
    out->set_type(onnx::AttributeProto::INTS);
    for (const int64_t v : *ints) out->add_ints(v);
  } else {
    out->set_type(onnx::AttributeProto::FLOATS);
    for (const double v : std::get<std::vector<double>>(value)) out->add_floats(static_cast<float>(v));
  }
}

/// The input or the output: a dimension is a number, or a name where it is left open.
void WriteEnd(const std::string& name, const std::vector<std::string>& dims, onnx::ValueInfoProto* out) {
  out->set_name(name);
  onnx::TypeProto::Tensor* tensor = out->mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(onnx::TensorProto::FLOAT);
  for (const std::string& dim : dims) {
    onnx::TensorShapeProto::Dimension* written = tensor->mutable_shape()->add_dim();
    if (std::isdigit(static_cast<unsigned char>(dim[0]))) {
      written->set_dim_value(std::stoll(dim));
    } else {
      written->set_dim_param(dim);
    }
  }
}

class Exporter final : private NodeWriter {
 public:
  explicit Exporter(const Graph& graph) : graph_(graph), trains_by_default_(TrainsByDefault(graph)) {}

  onnx::ModelProto Run() {
    model_.set_ir_version(kIrVersion);
    model_.set_producer_name("swath");
    file_.set_name(graph_.name.empty() ? "network" : graph_.name);
    for (const swath::Node& node : graph_.nodes) {
      if (!IsDilatedPool(*node.layer)) continue;
      opset_ = kDilatedPoolOpset;
      model_.set_ir_version(kDilatedPoolIrVersion);
    }
    WriteEnds();
    for (const swath::Node& node : graph_.nodes) WriteNode(node);
    model_.add_opset_import()->set_version(opset_);
    WriteMetadata();
    *model_.mutable_graph() = std::move(file_);
    return std::move(model_);
  }

 private:
  const std::string& TensorName(int tensor) const { return graph_.tensors.at(static_cast<size_t>(tensor)); }

  /// Tensors and initialisers share one space of names.
  void Claim(const std::string& name) {
    if (name.empty()) Fail(ErrorCode::kOutput, "a tensor or a parameter has no name");
    if (!names_.insert(name).second)
      Fail(ErrorCode::kOutput, "two tensors or parameters are named '{}'", name);
  }

  void WriteEnds() {
    shapes_ = ValidateGraph(graph_);
    const Shape& image = shapes_.at(static_cast<size_t>(graph_.input));
    const Shape& output = shapes_.at(static_cast<size_t>(graph_.output));
    const bool same = image.height == output.height && image.width == output.width;
    Claim(TensorName(graph_.input));
    const auto number = [](int64_t n) { return fmt::format("{}", n); };
    const bool fixed = graph_.fixed_width > 0;
    WriteEnd(
        TensorName(graph_.input),
        {"N", number(image.channels), fixed ? number(image.height) : "H", fixed ? number(image.width) : "W"},
        file_.add_input());
    std::vector<std::string> dims = {"N", number(output.channels), same ? "H" : "H_out",
                                     same ? "W" : "W_out"};
    if (InCore(graph_)[static_cast<size_t>(graph_.output)]) {
      dims = {"N", number(output.channels), number(output.height), number(output.width)};
      // A tensor in core is aligned at the right.
      const int rank = std::clamp(Ranks()[static_cast<size_t>(graph_.output)], 1, 4);
      dims.erase(dims.begin() + 1, dims.begin() + 1 + (4 - rank));
    }
    WriteEnd(TensorName(graph_.output), dims, file_.add_output());
  }

  /// Number of ONNX dimensions by tensor.
  std::vector<int> Ranks() const {
    std::vector<int> ranks(graph_.tensors.size(), 4);
    for (const swath::Node& node : graph_.nodes) {
      std::vector<int> srcs;
      for (const int src : node.srcs) srcs.push_back(ranks[static_cast<size_t>(src)]);
      ranks[static_cast<size_t>(node.dst)] = node.layer->DstRank(srcs);
    }
    return ranks;
  }

  // NodeWriter, for layers of several nodes.
  void Node(const std::string& name, const std::string& type, const std::vector<std::string>& inputs,
            const std::string& output, const Attributes& attributes) override {
    onnx::NodeProto* out = file_.add_node();
    out->set_name(name);
    out->set_op_type(type);
    for (const std::string& input : inputs) out->add_input(input);
    Claim(output);
    out->add_output(output);
    for (const auto& [key, value] : attributes) WriteAttribute(key, value, out);
  }
  std::string Floats(const std::string& name, const std::vector<int64_t>& dims,
                     const std::vector<float>& values) override {
    WriteTensor(name, dims, values);
    return name;
  }
  std::string Integers(const std::string& name, const std::vector<int64_t>& values) override {
    WriteIntegers(name, values);
    return name;
  }

  void WriteNode(const swath::Node& node) {
    NodeNames names{
        .node = node.name, .srcs = {}, .parameters = {}, .shapes = {}, .dst = TensorName(node.dst)};
    for (const int src : node.srcs) {
      names.srcs.push_back(TensorName(src));
      names.shapes.push_back(shapes_[static_cast<size_t>(src)]);
    }
    // Once written, they are known by name.
    for (const int parameter : node.parameters) names.parameters.push_back(WriteParameter(parameter));
    if (WriteSpelling(node, names, this)) return;
    onnx::NodeProto* out = file_.add_node();
    out->set_name(node.name);
    out->set_op_type(std::string(node.layer->type()));
    for (const std::string& src : names.srcs) out->add_input(src);
    for (const std::string& parameter : names.parameters) out->add_input(parameter);
    if (node.layer->constant_first()) out->mutable_input()->SwapElements(0, 1);
    WriteSettings(node, out);
    Claim(TensorName(node.dst));
    out->add_output(TensorName(node.dst));
    for (const auto& [name, value] : node.layer->attributes()) {
      // Opset 17 knows no dilations here; without them they are 1.
      if (node.layer->type() == "AveragePool" && name == "dilations" && IsOnes(value)) continue;
      if (name == "axes" && opset_ >= kAxesInputOpset && node.layer->type().starts_with("Reduce")) {
        const std::string axes = node.name + ".axes";
        WriteIntegers(axes, std::get<std::vector<int64_t>>(value));
        out->add_input(axes);
        continue;
      }
      WriteAttribute(name, value, out);
    }
  }

  const std::string& WriteParameter(int index) {
    const Parameter& parameter = graph_.parameters.at(static_cast<size_t>(index));
    if (!written_.insert(index).second) return parameter.name;
    WriteTensor(parameter.name, parameter.dims, parameter.values);
    if (!parameter.trainable && trains_by_default_[static_cast<size_t>(index)])
      frozen_.push_back(parameter.name);
    return parameter.name;
  }

  /// Settings that ONNX has as inputs.
  void WriteSettings(const swath::Node& node, onnx::NodeProto* out) {
    for (const Setting& setting : node.layer->settings()) {
      if (setting.name.empty()) {
        out->add_input("");
        continue;
      }
      const std::string name = node.name + "." + setting.name;
      std::vector<int64_t> dims;
      if (setting.type != Setting::Type::kScalar) dims = {static_cast<int64_t>(setting.values.size())};
      if (setting.type == Setting::Type::kIntegers) {
        WriteIntegers(name, {setting.values.begin(), setting.values.end()});
      } else {
        WriteTensor(name, dims, {setting.values.begin(), setting.values.end()});
      }
      out->add_input(name);
    }
    while (out->input_size() > 0 && out->input(out->input_size() - 1).empty())
      out->mutable_input()->RemoveLast();
  }

  void WriteIntegers(const std::string& name, const std::vector<int64_t>& values) {
    Claim(name);
    onnx::TensorProto* out = file_.add_initializer();
    out->set_name(name);
    out->set_data_type(onnx::TensorProto::INT64);
    out->add_dims(static_cast<int64_t>(values.size()));
    for (const int64_t value : values) out->add_int64_data(value);
  }

  void WriteTensor(const std::string& name, const std::vector<int64_t>& dims,
                   const std::vector<float>& values) {
    Claim(name);
    onnx::TensorProto* out = file_.add_initializer();
    out->set_name(name);
    out->set_data_type(onnx::TensorProto::FLOAT);
    for (const int64_t dim : dims) out->add_dims(dim);
    out->set_raw_data(values.data(), values.size() * sizeof(float));
  }

  void WriteMetadata() {
    std::map<std::string, std::string> metadata = graph_.metadata;
    if (!frozen_.empty()) metadata[kFrozenKey] = FormatNames(frozen_);
    for (const auto& [key, value] : metadata) {
      onnx::StringStringEntryProto* entry = model_.add_metadata_props();
      entry->set_key(key);
      entry->set_value(value);
    }
  }

  const Graph& graph_;
  int64_t opset_ = kOpset;
  onnx::ModelProto model_;
  onnx::GraphProto file_;
  std::set<std::string> names_;
  std::vector<Shape> shapes_;  ///< of a size that the network takes
  std::set<int> written_;
  std::vector<bool> trains_by_default_;
  std::vector<std::string> frozen_;
};

}  // namespace

void ExportOnnx(const Graph& graph, const std::string& path) {
  PendingFile pending(path);
  const onnx::ModelProto model = Exporter(graph).Run();
  if (model.ByteSizeLong() >= size_t{1} << 31) {
    Fail(ErrorCode::kOutput, "{}: cannot be written: ONNX files end at 2 GiB, the model has {} bytes", path,
         model.ByteSizeLong());
  }
  std::ofstream file(pending.temporary(), std::ios::binary | std::ios::trunc);
  const bool written = file && model.SerializeToOstream(&file) && (file.close(), file.good());
  if (!written) Fail(ErrorCode::kOutput, "{}: cannot be written: {}", path, std::strerror(errno));
  pending.Commit();
}

}  // namespace swath
