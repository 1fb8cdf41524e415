/// The initialisers of an ONNX model as a file of weights.
#include <filesystem>
#include <set>

#include "base/error.h"
#include "graph/onnx_messages.h"
#include "graph/weight_file.h"

namespace swath {
namespace {

class OnnxWeights final : public WeightFile {
 public:
  explicit OnnxWeights(const std::string& path)
      : model_(ReadModel(path)), folder_(std::filesystem::path(path).parent_path().string()) {
    std::set<std::string> names;
    for (const onnx::TensorProto& tensor : model_.graph().initializer()) {
      if (!names.insert(tensor.name()).second)
        Fail(ErrorCode::kInput, "constant '{}' is given twice", tensor.name());
      tensors_.push_back({.name = tensor.name(), .dims = {tensor.dims().begin(), tensor.dims().end()}});
    }
  }

  const std::vector<StoredTensor>& tensors() const override { return tensors_; }

  std::vector<float> Read(size_t index) override {
    const onnx::TensorProto& tensor = model_.graph().initializer(static_cast<int>(index));
    Constant constant = ReadTensor(tensor, folder_);
    if (!constant.is_float()) {
      Fail(ErrorCode::kUnsupported, "constant '{}' is of type {}, expected float32", tensor.name(),
           DataTypeName(tensor.data_type()));
    }
    return std::move(constant.floats);
  }

 private:
  onnx::ModelProto model_;
  std::string folder_;
  std::vector<StoredTensor> tensors_;
};

}  // namespace

std::unique_ptr<WeightFile> OpenOnnxWeights(const std::string& path) {
  return std::make_unique<OnnxWeights>(path);
}

}  // namespace swath
