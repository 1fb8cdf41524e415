/// Files of named tensors.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace swath {

struct StoredTensor {
  std::string name;
  std::vector<int64_t> dims;
};

/// An open file. Values are read when they are asked for, so that tensors nobody wants may be of any type.
class WeightFile {
 public:
  virtual ~WeightFile() = default;
  /// In the order of the file, names distinct.
  virtual const std::vector<StoredTensor>& tensors() const = 0;
  /// The values of tensors()[index] as float32, all finite. Throws Error.
  virtual std::vector<float> Read(size_t index) = 0;
};

// All throw Error, without the path in front.
std::unique_ptr<WeightFile> OpenSafetensors(const std::string& path);  // safetensors.cc
std::unique_ptr<WeightFile> OpenOnnxWeights(const std::string& path);  // onnx_weights.cc, its initialisers

}  // namespace swath
