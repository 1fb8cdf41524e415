/// From a graph to an ONNX model.
#include <cstring>
#include <fstream>
#include <map>
#include <set>

#include "base/error.h"
#include "base/pending_file.h"
#include "graph/metadata.h"
#include "graph/onnx_messages.h"
#include "layers/layer.h"
#include "swath/model.h"

namespace swath {
namespace {

// Old enough for every reader of ONNX in use, and for Debian 12's checker.
constexpr int64_t kIrVersion = 8;
constexpr int64_t kOpset = 13;
// AveragePool has dilations from here on.
constexpr int64_t kDilatedPoolIrVersion = 9;
constexpr int64_t kDilatedPoolOpset = 19;

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

/// Add or Mul with a constant: the one kind of parameter that ONNX wants in another shape.
bool HasChannelConstant(const Node& node) {
  return !node.parameters.empty() && (node.layer->type() == "Add" || node.layer->type() == "Mul");
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

void WriteImage(const std::string& name, int64_t channels, const char* height, const char* width,
                onnx::ValueInfoProto* out) {
  out->set_name(name);
  onnx::TypeProto::Tensor* tensor = out->mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(onnx::TensorProto::FLOAT);
  onnx::TensorShapeProto* shape = tensor->mutable_shape();
  shape->add_dim()->set_dim_param("N");
  shape->add_dim()->set_dim_value(channels);
  shape->add_dim()->set_dim_param(height);
  shape->add_dim()->set_dim_param(width);
}

class Exporter {
 public:
  explicit Exporter(const Graph& graph) : graph_(graph) {}

  onnx::ModelProto Run() {
    model_.set_ir_version(kIrVersion);
    model_.set_producer_name("swath");
    file_.set_name(graph_.name.empty() ? "network" : graph_.name);
    int64_t opset = kOpset;
    WriteEnds();
    for (const Node& node : graph_.nodes) {
      WriteNode(node);
      if (!IsDilatedPool(*node.layer)) continue;
      opset = kDilatedPoolOpset;
      model_.set_ir_version(kDilatedPoolIrVersion);
    }
    model_.add_opset_import()->set_version(opset);
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
    const std::vector<Shape> shapes = ValidateGraph(graph_);
    const Shape& image = shapes.at(static_cast<size_t>(graph_.input));
    const Shape& output = shapes.at(static_cast<size_t>(graph_.output));
    const bool same = image.height == output.height && image.width == output.width;
    Claim(TensorName(graph_.input));
    WriteImage(TensorName(graph_.input), image.channels, "H", "W", file_.add_input());
    WriteImage(TensorName(graph_.output), output.channels, same ? "H" : "H_out", same ? "W" : "W_out",
               file_.add_output());
  }

  void WriteNode(const Node& node) {
    onnx::NodeProto* out = file_.add_node();
    out->set_name(node.name);
    out->set_op_type(std::string(node.layer->type()));
    for (const int src : node.srcs) out->add_input(TensorName(src));
    const auto layout = HasChannelConstant(node) ? Layout::kChannel : Layout::kAsIs;
    for (const int parameter : node.parameters) out->add_input(WriteParameter(parameter, layout));
    Claim(TensorName(node.dst));
    out->add_output(TensorName(node.dst));
    for (const auto& [name, value] : node.layer->attributes()) {
      // Opset 13 knows no dilations here; without them they are 1.
      if (node.layer->type() == "AveragePool" && name == "dilations" && IsOnes(value)) continue;
      if (node.layer->type() == "Resize" && name == "scales") {
        WriteScales(node, std::get<std::vector<double>>(value), out);
      } else {
        WriteAttribute(name, value, out);
      }
    }
  }

  enum class Layout { kAsIs, kChannel };

  const std::string& WriteParameter(int index, Layout layout) {
    const Parameter& parameter = graph_.parameters.at(static_cast<size_t>(index));
    const auto [it, is_new] = written_.emplace(index, layout);
    if (!is_new) {
      if (it->second == layout) return parameter.name;
      Fail(ErrorCode::kOutput, "parameter '{}' is both a channel constant and a weight", parameter.name);
    }
    std::vector<int64_t> dims = parameter.dims;
    if (layout == Layout::kChannel) dims = {1, parameter.size(), 1, 1};
    WriteTensor(parameter.name, dims, parameter.values);
    if (layout == Layout::kAsIs && !parameter.trainable) frozen_.push_back(parameter.name);
    return parameter.name;
  }

  /// ONNX has them as the third input, after a region of interest that is left out.
  void WriteScales(const Node& node, const std::vector<double>& scales, onnx::NodeProto* out) {
    const std::string name = node.name + ".scales";
    WriteTensor(name, {static_cast<int64_t>(scales.size())}, {scales.begin(), scales.end()});
    out->add_input("");
    out->add_input(name);
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
  onnx::ModelProto model_;
  onnx::GraphProto file_;
  std::set<std::string> names_;
  std::map<int, Layout> written_;
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
