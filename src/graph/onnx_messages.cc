#include "graph/onnx_messages.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/error.h"

namespace swath {
namespace {

static_assert(std::endian::native == std::endian::little, "raw_data is little-endian");

/// Number of values that `dims` describe; at most what fits 40 bits, so that sizes in bytes cannot overflow.
int64_t CountValues(const onnx::TensorProto& tensor) {
  constexpr int64_t kMost = int64_t{1} << 40;
  int64_t count = 1;
  for (const int64_t dim : tensor.dims()) {
    if (dim < 0) Fail(ErrorCode::kInput, "constant '{}' has a dimension of {}", tensor.name(), dim);
    if (dim > kMost || (dim > 0 && count > kMost / dim)) {
      Fail(ErrorCode::kInput, "constant '{}' has dimensions [{}], too large to be true", tensor.name(),
           fmt::join(tensor.dims(), ", "));
    }
    count *= dim;
  }
  return count;
}

/// Reads the bytes of a tensor that are kept in a file of their own, beside the model.
std::string ReadExternal(const onnx::TensorProto& tensor, const std::string& folder, int64_t bytes) {
  std::string location;
  int64_t offset = 0, length = bytes;
  for (const onnx::StringStringEntryProto& entry : tensor.external_data()) {
    const auto number = [&] {
      int64_t value = -1;
      const char* const end = entry.value().data() + entry.value().size();
      const auto [stop, error] = std::from_chars(entry.value().data(), end, value);
      if (error != std::errc() || stop != end || value < 0) {
        Fail(ErrorCode::kInput, "constant '{}': external data: {} is '{}', expected a whole number",
             tensor.name(), entry.key(), entry.value());
      }
      return value;
    };
    if (entry.key() == "location") location = entry.value();
    if (entry.key() == "offset") offset = number();
    if (entry.key() == "length") length = number();
  }
  const std::filesystem::path relative = std::filesystem::path(location).lexically_normal();
  if (location.empty() || relative.is_absolute() || *relative.begin() == "..") {
    Fail(ErrorCode::kInput, "constant '{}': external data is in '{}', expected a file in the model's folder",
         tensor.name(), location);
  }
  if (length != bytes) {
    Fail(ErrorCode::kInput, "constant '{}': external data has {} bytes, expected {}", tensor.name(), length,
         bytes);
  }
  const std::string path = (std::filesystem::path(folder) / relative).string();
  std::ifstream file(path, std::ios::binary);
  std::string data(static_cast<size_t>(bytes), '\0');
  if (!file.seekg(offset) || !file.read(data.data(), bytes)) {
    Fail(ErrorCode::kInput, "constant '{}': {}: expected {} bytes from {} on, found fewer, or no such file",
         tensor.name(), path, bytes, offset);
  }
  return data;
}

/// Takes values from raw_data, from a file, or from the typed field.
template <class T, class Field>
std::vector<T> ReadValues(const onnx::TensorProto& tensor, const std::string& folder, const Field& typed) {
  const int64_t count = CountValues(tensor);
  std::string external;
  const bool is_external = tensor.data_location() == onnx::TensorProto::EXTERNAL;
  if (is_external) external = ReadExternal(tensor, folder, count * static_cast<int64_t>(sizeof(T)));
  const std::string& raw = is_external ? external : tensor.raw_data();
  const bool has_raw = is_external || tensor.has_raw_data();
  const int64_t found = has_raw ? static_cast<int64_t>(raw.size() / sizeof(T)) : typed.size();
  const bool whole = raw.size() % sizeof(T) == 0;
  const bool once = !has_raw || typed.empty();
  if (found != count || !whole || !once) {
    Fail(ErrorCode::kInput, "constant '{}' of dimensions [{}] has {} values{}, expected {}", tensor.name(),
         fmt::join(tensor.dims(), ", "), found,
         !whole  ? " and a fraction"
         : !once ? " given twice"
                 : "",
         count);
  }
  if (!has_raw) return {typed.begin(), typed.end()};
  std::vector<T> values(static_cast<size_t>(count));
  if (count > 0) std::memcpy(values.data(), raw.data(), raw.size());
  return values;
}

template <class T>
std::vector<int64_t> ToIntegers(const std::vector<T>& values) {
  return {values.begin(), values.end()};
}

/// Refuses what no network means, so that arithmetic on attributes cannot overflow.
int64_t CheckInteger(const onnx::AttributeProto& attribute, int64_t value) {
  constexpr int64_t kLargest = int64_t{1} << 30;
  // Where a slice begins and ends; beyond the tensor is as far as it goes.
  if (attribute.name() == "starts" || attribute.name() == "ends")
    return std::clamp(value, -kLargest, kLargest);
  if (value > kLargest || value < -kLargest) {
    Fail(ErrorCode::kUnsupported, "attribute '{}' holds {}, expected at most {}", attribute.name(), value,
         kLargest);
  }
  return value;
}

AttributeValue ReadAttribute(const onnx::AttributeProto& attribute) {
  using Type = onnx::AttributeProto;
  switch (attribute.type()) {
    case Type::FLOAT:
      return static_cast<double>(attribute.f());
    case Type::INT:
      return CheckInteger(attribute, attribute.i());
    case Type::STRING:
      return attribute.s();
    case Type::FLOATS:
      return std::vector<double>(attribute.floats().begin(), attribute.floats().end());
    case Type::INTS: {
      std::vector<int64_t> values;
      for (const int64_t value : attribute.ints()) values.push_back(CheckInteger(attribute, value));
      return values;
    }
    default:
      Fail(ErrorCode::kUnsupported, "attribute '{}' is of type {}, expected numbers or a string",
           attribute.name(), Type::AttributeType_Name(attribute.type()));
  }
}

}  // namespace

onnx::ModelProto ReadModel(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error))
    Fail(ErrorCode::kInput, "is a folder, expected an ONNX model");
  std::ifstream file(path, std::ios::binary);
  if (!file) Fail(ErrorCode::kInput, "cannot be opened: {}", std::strerror(errno));
  if (file.peek() == std::ifstream::traits_type::eof())
    Fail(ErrorCode::kInput, "is empty, expected an ONNX model");
  onnx::ModelProto model;
  if (!model.ParseFromIstream(&file)) {
    Fail(ErrorCode::kInput, "is not an ONNX model, or is truncated (protobuf cannot parse it)");
  }
  if (!model.has_graph()) Fail(ErrorCode::kInput, "is not an ONNX model: it has no graph");
  return model;
}

Parameter Constant::AsParameter() const {
  Parameter parameter{.name = name, .dims = dims, .values = floats};
  for (const int64_t value : integers) {
    if (value > (1 << 24) || value < -(1 << 24))
      Fail(ErrorCode::kUnsupported, "constant '{}' holds {}, which float32 cannot hold exactly", name, value);
    parameter.values.push_back(static_cast<float>(value));
  }
  return parameter;
}

Constant ReadTensor(const onnx::TensorProto& tensor, const std::string& folder) {
  if (tensor.has_segment())
    Fail(ErrorCode::kUnsupported, "constant '{}' is split in segments", tensor.name());
  Constant constant{.name = tensor.name(), .dims = {tensor.dims().begin(), tensor.dims().end()}};
  switch (tensor.data_type()) {
    case onnx::TensorProto::FLOAT:
      constant.floats = ReadValues<float>(tensor, folder, tensor.float_data());
      break;
    case onnx::TensorProto::DOUBLE: {
      const auto doubles = ReadValues<double>(tensor, folder, tensor.double_data());
      if (doubles.size() != 1)
        Fail(ErrorCode::kUnsupported, "constant '{}' is of type float64, expected float32", tensor.name());
      constant.floats = {static_cast<float>(doubles[0])};
      break;
    }
    case onnx::TensorProto::INT64:
      constant.type = onnx::TensorProto::INT64;
      constant.integers = ReadValues<int64_t>(tensor, folder, tensor.int64_data());
      break;
    case onnx::TensorProto::INT32:
      constant.type = onnx::TensorProto::INT64;
      constant.integers = ToIntegers(ReadValues<int32_t>(tensor, folder, tensor.int32_data()));
      break;
    case onnx::TensorProto::BOOL:
      constant.type = onnx::TensorProto::BOOL;
      constant.integers = ToIntegers(ReadValues<int8_t>(tensor, folder, tensor.int32_data()));
      break;
    default:
      Fail(ErrorCode::kUnsupported, "constant '{}' is of type {}, expected float32", tensor.name(),
           DataTypeName(tensor.data_type()));
  }
  const auto bad =
      std::find_if(constant.floats.begin(), constant.floats.end(), [](float v) { return !std::isfinite(v); });
  if (bad != constant.floats.end()) {
    Fail(ErrorCode::kNumeric, "constant '{}' has a value that is not finite (number {})", tensor.name(),
         bad - constant.floats.begin());
  }
  return constant;
}

Constant ReadConstantNode(const onnx::NodeProto& node, const std::string& folder) {
  if (node.attribute_size() != 1)
    Fail(ErrorCode::kInput, "expected one attribute, found {}", node.attribute_size());
  const onnx::AttributeProto& attribute = node.attribute(0);
  onnx::TensorProto tensor;
  if (attribute.name() == "value") {
    tensor = attribute.t();
  } else if (attribute.name() == "value_float") {
    tensor.set_data_type(onnx::TensorProto::FLOAT);
    tensor.add_float_data(attribute.f());
  } else if (attribute.name() == "value_floats") {
    tensor.set_data_type(onnx::TensorProto::FLOAT);
    *tensor.mutable_float_data() = attribute.floats();
    tensor.add_dims(attribute.floats_size());
  } else if (attribute.name() == "value_int") {
    tensor.set_data_type(onnx::TensorProto::INT64);
    tensor.add_int64_data(attribute.i());
  } else if (attribute.name() == "value_ints") {
    tensor.set_data_type(onnx::TensorProto::INT64);
    *tensor.mutable_int64_data() = attribute.ints();
    tensor.add_dims(attribute.ints_size());
  } else {
    Fail(ErrorCode::kUnsupported, "attribute '{}' is not supported, expected value, or numbers",
         attribute.name());
  }
  tensor.set_name(node.output(0));
  return ReadTensor(tensor, folder);
}

Constant ReadValueAttribute(const onnx::NodeProto& node, const std::string& folder) {
  for (const onnx::AttributeProto& attribute : node.attribute()) {
    if (attribute.name() == "value") return ReadTensor(attribute.t(), folder);
  }
  return {.name = "", .dims = {1}, .floats = {0.0f}, .integers = {}};
}

Attributes ReadAttributes(const onnx::NodeProto& node) {
  Attributes attributes;
  for (const onnx::AttributeProto& attribute : node.attribute()) {
    if (!attribute.ref_attr_name().empty()) {
      Fail(ErrorCode::kUnsupported, "attribute '{}' refers to a function's argument", attribute.name());
    }
    if (!attributes.emplace(attribute.name(), ReadAttribute(attribute)).second) {
      Fail(ErrorCode::kInput, "attribute '{}' is given twice", attribute.name());
    }
  }
  return attributes;
}

std::string DataTypeName(int type) {
  if (type == onnx::TensorProto::FLOAT) return "float32";
  if (type == onnx::TensorProto::DOUBLE) return "float64";
  if (!onnx::TensorProto::DataType_IsValid(type)) return fmt::format("number {}", type);
  std::string name = onnx::TensorProto::DataType_Name(static_cast<onnx::TensorProto::DataType>(type));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  return name;
}

}  // namespace swath
