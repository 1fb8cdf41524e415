/// ONNX models, valid and otherwise, written to temporary files.
#pragma once

#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "swath/error.h"
#include "swath/model.h"

namespace swath {

/// A path in a folder of the running test, removed with it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    path_ = std::filesystem::path(testing::TempDir()) /
            ("swath_" + std::string(test->test_suite_name()) + "_" + test->name());
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

/// A model with an input "image" [1, 3, H, W], an output "out", opset 13, and no nodes yet.
class ModelBuilder {
 public:
  ModelBuilder() {
    model.set_ir_version(8);
    model.add_opset_import()->set_version(13);
    model.mutable_graph()->set_name("test");
    Image(model.mutable_graph()->add_input(), "image", 3);
    Image(model.mutable_graph()->add_output(), "out", 0);
  }

  onnx::NodeProto& Node(const std::string& type, const std::vector<std::string>& inputs,
                        const std::string& output, const std::string& name = "") {
    onnx::NodeProto& node = *model.mutable_graph()->add_node();
    node.set_op_type(type);
    node.set_name(name);
    for (const std::string& input : inputs) node.add_input(input);
    node.add_output(output);
    return node;
  }

  onnx::TensorProto& Floats(const std::string& name, const std::vector<int64_t>& dims, float value = 0.5f) {
    onnx::TensorProto& tensor = *model.mutable_graph()->add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(onnx::TensorProto::FLOAT);
    int64_t count = 1;
    for (const int64_t dim : dims) {
      tensor.add_dims(dim);
      count *= dim;
    }
    for (int64_t i = 0; i < count; ++i) tensor.add_float_data(value);
    return tensor;
  }

  /// A 1 × 1 convolution from 3 channels to 2.
  onnx::NodeProto& Conv(const std::string& input, const std::string& output, const std::string& name = "") {
    Floats(output + "_w", {2, 3, 1, 1});
    return Node("Conv", {input, output + "_w"}, output, name);
  }

  static void Image(onnx::ValueInfoProto* value, const std::string& name, int64_t channels) {
    value->set_name(name);
    auto* tensor = value->mutable_type()->mutable_tensor_type();
    tensor->set_elem_type(onnx::TensorProto::FLOAT);
    tensor->mutable_shape()->add_dim()->set_dim_value(1);
    auto* dim = tensor->mutable_shape()->add_dim();
    if (channels > 0) dim->set_dim_value(channels);
    tensor->mutable_shape()->add_dim()->set_dim_param("H");
    tensor->mutable_shape()->add_dim()->set_dim_param("W");
  }

  static void Ints(onnx::NodeProto* node, const std::string& name, const std::vector<int64_t>& values) {
    onnx::AttributeProto& attribute = *node->add_attribute();
    attribute.set_name(name);
    attribute.set_type(onnx::AttributeProto::INTS);
    for (const int64_t value : values) attribute.add_ints(value);
  }

  std::string Write(const std::string& path) const {
    std::ofstream file(path, std::ios::binary);
    EXPECT_TRUE(model.SerializeToOstream(&file));
    return path;
  }

  onnx::ModelProto model;
};

/// What importing a file says, without the path in front, which is checked; and the code.
struct Refusal {
  ErrorCode code = ErrorCode::kUsage;
  std::string message;
};

inline Refusal ImportRefusal(const std::string& path) {
  try {
    ImportOnnx(path);
  } catch (const Error& e) {
    const std::string message = e.what();
    EXPECT_EQ(message.rfind(path + ": ", 0), 0u) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    return {e.code(), message.substr(std::min(message.size(), path.size() + 2))};
  }
  ADD_FAILURE() << "was not refused";
  return {};
}

inline Refusal ImportRefusal(const ModelBuilder& builder) {
  const TemporaryFolder folder;
  return ImportRefusal(builder.Write(folder / "model.onnx"));
}

inline Graph Import(const ModelBuilder& builder) {
  const TemporaryFolder folder;
  return ImportOnnx(builder.Write(folder / "model.onnx"));
}

}  // namespace swath
