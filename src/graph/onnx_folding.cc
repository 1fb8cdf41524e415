#include "graph/onnx_folding.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numeric>

#include "base/error.h"
#include "graph/onnx_dims.h"

namespace swath {
namespace {

/// Larger results are no arithmetic on sizes, and no weights that anybody has.
constexpr int64_t kMostValues = int64_t{1} << 31;

/// A constant with numbers of one type, which holds all that ONNX's do exactly, but for integers beyond 2^53.
struct Array {
  std::vector<int64_t> dims;
  std::vector<double> values;
  int type = onnx::TensorProto::FLOAT;
};

int64_t CountOf(const std::vector<int64_t>& dims) {
  int64_t count = 1;
  for (const int64_t dim : dims) {
    if (dim < 0 || (dim > 0 && count > kMostValues / dim))
      Fail(ErrorCode::kUnsupported, "makes a constant of dimensions [{}]", fmt::join(dims, ", "));
    count *= dim;
  }
  return count;
}

Array ToArray(const Constant& constant) {
  Array array{constant.dims, {}, constant.type};
  if (constant.is_float()) {
    array.values.assign(constant.floats.begin(), constant.floats.end());
  } else {
    array.values.assign(constant.integers.begin(), constant.integers.end());
  }
  return array;
}

Constant ToConstant(const Array& array) {
  Constant constant{.name = "", .dims = array.dims, .floats = {}, .integers = {}, .type = array.type};
  for (const double value : array.values) {
    if (array.type == onnx::TensorProto::FLOAT) {
      constant.floats.push_back(static_cast<float>(value));
      if (!std::isfinite(constant.floats.back()))
        Fail(ErrorCode::kNumeric, "makes a constant with a value that is not finite");
    } else {
      if (std::isnan(value)) Fail(ErrorCode::kNumeric, "makes an integer of what is not a number");
      constexpr double kLimit = 9.2e18;
      constant.integers.push_back(value >= kLimit    ? std::numeric_limits<int64_t>::max()
                                  : value <= -kLimit ? std::numeric_limits<int64_t>::min()
                                                     : static_cast<int64_t>(value));
    }
  }
  return constant;
}

/// Both operands, as NumPy broadcasts them.
Array Broadcast(const Array& a, const Array& b, const std::function<double(double, double)>& f) {
  const size_t rank = std::max(a.dims.size(), b.dims.size());
  const auto dim = [&](const Array& array, size_t i) {
    const size_t missing = rank - array.dims.size();
    return i < missing ? int64_t{1} : array.dims[i - missing];
  };
  Array result{BroadcastDims(a.dims, b.dims), {}, a.type};
  const int64_t count = CountOf(result.dims);
  for (int64_t flat = 0; flat < count; ++flat) {
    int64_t rest = flat, at[2] = {0, 0}, step[2] = {1, 1};
    for (size_t i = rank; i-- > 0;) {
      const int64_t index = rest % result.dims[i];
      rest /= result.dims[i];
      const Array* const operands[2] = {&a, &b};
      for (int o = 0; o < 2; ++o) {
        at[o] += (dim(*operands[o], i) == 1 ? 0 : index) * step[o];
        step[o] *= dim(*operands[o], i);
      }
    }
    result.values.push_back(f(a.values[static_cast<size_t>(at[0])], b.values[static_cast<size_t>(at[1])]));
  }
  return result;
}

class Folder {
 public:
  Folder(const onnx::NodeProto& node, const std::vector<const Constant*>& inputs, const std::string& folder)
      : node_(node),
        folder_(folder),
        // The value of a ConstantOfShape is a tensor, which attributes do not hold.
        attributes_(node.op_type() == "ConstantOfShape" ? Attributes{} : ReadAttributes(node)),
        reader_(attributes_) {
    for (const Constant* input : inputs) inputs_.push_back(input ? ToArray(*input) : Array{});
    for (const Constant* input : inputs) given_.push_back(input != nullptr);
  }

  Array Run() {
    Array result = Compute();
    reader_.Finish();
    return result;
  }

 private:
  Array Compute() {
    const std::string& type = node_.op_type();
    static const std::map<std::string, double (*)(double)> unary = {
        {"Neg", [](double x) { return -x; }},
        {"Abs", [](double x) { return std::abs(x); }},
        {"Floor", [](double x) { return std::floor(x); }},
        {"Ceil", [](double x) { return std::ceil(x); }},
        {"Sqrt", [](double x) { return std::sqrt(x); }},
        {"Exp", [](double x) { return std::exp(x); }},
        {"Log", [](double x) { return std::log(x); }},
        {"Reciprocal", [](double x) { return 1 / x; }}};
    if (const auto it = unary.find(type); it != unary.end()) {
      Array result = Input(0);
      for (double& value : result.values) value = it->second(value);
      return result;
    }
    static const std::map<std::string, double (*)(double, double)> binary = {
        {"Add", [](double a, double b) { return a + b; }},
        {"Sub", [](double a, double b) { return a - b; }},
        {"Mul", [](double a, double b) { return a * b; }},
        {"Pow", [](double a, double b) { return std::pow(a, b); }},
        {"Min", [](double a, double b) { return std::min(a, b); }},
        {"Max", [](double a, double b) { return std::max(a, b); }}};
    if (const auto it = binary.find(type); it != binary.end()) {
      Array result = Input(0);
      for (size_t i = 1; i < inputs_.size(); ++i) result = Broadcast(result, Input(i), it->second);
      return result;
    }
    if (type == "Div") return Divide();
    if (type == "Cast") return Cast();
    if (type == "Gather") return Gather();
    if (type == "Slice") return Slice();
    if (type == "Concat") return Concat();
    if (type == "Unsqueeze") return WithDims(UnsqueezedDims(Input(0).dims, AxesOf()));
    if (type == "Squeeze") return WithDims(SqueezedDims(Input(0).dims, AxesOf()));
    if (type == "Reshape")
      return WithDims(ReshapedDims(Input(0).dims, Integers(1), reader_.Int("allowzero", 0) != 0));
    if (type == "Flatten") return WithDims(FlattenedDims(Input(0).dims, reader_.Int("axis", 1)));
    if (type == "Transpose") return Transpose();
    if (type == "ConstantOfShape") return Filled();
    if (type == "Expand") return Expand();
    if (type == "Size") return {{}, {static_cast<double>(CountOf(Input(0).dims))}, onnx::TensorProto::INT64};
    return Shape();
  }

  const Array& Input(size_t i) const {
    if (i >= inputs_.size() || !given_[i]) Fail(ErrorCode::kInput, "has no input {}", i);
    return inputs_[i];
  }
  bool Given(size_t i) const { return i < inputs_.size() && given_[i]; }
  std::vector<int64_t> Integers(size_t i) const {
    return ToConstant({Input(i).dims, Input(i).values, onnx::TensorProto::INT64}).integers;
  }

  Array Shape() {
    const std::vector<int64_t> dims = ShapePart(Input(0).dims, &reader_);
    return {{static_cast<int64_t>(dims.size())}, {dims.begin(), dims.end()}, onnx::TensorProto::INT64};
  }

  Array Divide() const {
    const bool integers = Input(0).type != onnx::TensorProto::FLOAT;
    return Broadcast(Input(0), Input(1), [&](double a, double b) {
      if (integers && b == 0) Fail(ErrorCode::kNumeric, "divides by 0");
      return integers ? std::trunc(a / b) : a / b;
    });
  }

  Array Cast() {
    Array result = Input(0);
    const int64_t to = reader_.Int("to", 0);
    reader_.Int("saturate", 1);  // of 8-bit floats
    const bool to_float = to == onnx::TensorProto::FLOAT;
    if (!to_float && to != onnx::TensorProto::INT64 && to != onnx::TensorProto::INT32 &&
        to != onnx::TensorProto::BOOL)
      Fail(ErrorCode::kUnsupported, "casts a constant to {}", DataTypeName(static_cast<int>(to)));
    result.type = to_float ? onnx::TensorProto::FLOAT : onnx::TensorProto::INT64;
    for (double& value : result.values) {
      if (to == onnx::TensorProto::BOOL) {
        value = value != 0;
      } else if (!to_float) {
        value = std::trunc(value);
      }
    }
    return result;
  }

  /// The number of values before and after an axis.
  static std::pair<int64_t, int64_t> Around(const Array& array, int64_t axis) {
    int64_t outer = 1, inner = 1;
    for (size_t i = 0; i < array.dims.size(); ++i) {
      if (static_cast<int64_t>(i) < axis) outer *= array.dims[i];
      if (static_cast<int64_t>(i) > axis) inner *= array.dims[i];
    }
    return {outer, inner};
  }

  /// The values at these indices along an axis.
  static Array Take(const Array& array, int64_t axis, const std::vector<int64_t>& indices) {
    const auto [outer, inner] = Around(array, axis);
    const int64_t length = array.dims[static_cast<size_t>(axis)];
    Array result{array.dims, {}, array.type};
    result.dims[static_cast<size_t>(axis)] = static_cast<int64_t>(indices.size());
    for (int64_t o = 0; o < outer; ++o) {
      for (const int64_t index : indices) {
        const auto from = array.values.begin() + (o * length + index) * inner;
        result.values.insert(result.values.end(), from, from + inner);
      }
    }
    return result;
  }

  Array Gather() {
    const Array& data = Input(0);
    const int64_t axis = NormalAxis(reader_.Int("axis", 0), data.dims.size()),
                  length = data.dims[static_cast<size_t>(axis)];
    std::vector<int64_t> indices = Integers(1);
    for (int64_t& index : indices) {
      if (index < 0) index += length;
      if (index < 0 || index >= length) Fail(ErrorCode::kInput, "takes entry {} of {}", index, length);
    }
    Array result = Take(data, axis, indices);
    const auto at = result.dims.erase(result.dims.begin() + axis);
    result.dims.insert(at, Input(1).dims.begin(), Input(1).dims.end());
    return result;
  }

  Array Slice() {
    Array result = Input(0);
    const bool old = !Given(1);
    std::vector<int64_t> starts = old ? reader_.Ints("starts", {}) : Integers(1);
    std::vector<int64_t> ends = old ? reader_.Ints("ends", {}) : Integers(2);
    std::vector<int64_t> axes(starts.size()), steps(starts.size(), 1);
    std::iota(axes.begin(), axes.end(), 0);
    axes = old ? reader_.Ints("axes", axes) : Given(3) ? Integers(3) : axes;
    if (Given(4)) steps = Integers(4);
    if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
      Fail(ErrorCode::kInput, "has starts, ends, axes and steps of different lengths");
    for (size_t i = 0; i < starts.size(); ++i) {
      const int64_t axis = NormalAxis(axes[i], result.dims.size()),
                    n = result.dims[static_cast<size_t>(axis)];
      const int64_t step = steps[i], backward = step < 0;
      if (step == 0 || std::abs(step) > n + 1)
        Fail(ErrorCode::kUnsupported, "slices a constant of {} in steps of {}", n, step);
      const auto place = [&](int64_t at) {
        return std::clamp<int64_t>(at < 0 ? at + n : at, -backward, n - backward);
      };
      const int64_t end = place(ends[i]);
      std::vector<int64_t> indices;
      for (int64_t at = place(starts[i]); backward ? at > end : at < end; at += step) indices.push_back(at);
      result = Take(result, axis, indices);
    }
    return result;
  }

  Array Concat() {
    const int64_t axis = NormalAxis(reader_.Int("axis", 0), Input(0).dims.size());
    Array result{Input(0).dims, {}, Input(0).type};
    result.dims[static_cast<size_t>(axis)] = 0;
    for (size_t i = 0; i < inputs_.size(); ++i) {
      if (Input(i).dims.size() != result.dims.size())
        Fail(ErrorCode::kInput, "joins constants of different ranks");
      for (size_t d = 0; d < result.dims.size(); ++d) {
        if (static_cast<int64_t>(d) != axis && Input(i).dims[d] != result.dims[d])
          Fail(ErrorCode::kInput, "joins constants that do not fit together");
      }
      result.dims[static_cast<size_t>(axis)] += Input(i).dims[static_cast<size_t>(axis)];
    }
    const int64_t outer = Around(result, axis).first;
    for (int64_t o = 0; o < outer; ++o) {
      for (const Array& input : inputs_) {
        const int64_t block = static_cast<int64_t>(input.values.size()) / std::max<int64_t>(outer, 1);
        result.values.insert(result.values.end(), input.values.begin() + o * block,
                             input.values.begin() + (o + 1) * block);
      }
    }
    return result;
  }

  std::vector<int64_t> AxesOf() { return Given(1) ? Integers(1) : reader_.Ints("axes", {}); }

  /// The values of the first input as they are.
  Array WithDims(std::vector<int64_t> dims) const {
    return {std::move(dims), Input(0).values, Input(0).type};
  }

  Array Transpose() {
    const Array& data = Input(0);
    const size_t rank = data.dims.size();
    std::vector<int64_t> perm(rank);
    for (size_t i = 0; i < rank; ++i) perm[i] = static_cast<int64_t>(rank - 1 - i);
    perm = reader_.Ints("perm", perm, rank);
    std::vector<bool> seen(rank);
    for (const int64_t axis : perm) {
      if (axis < 0 || axis >= static_cast<int64_t>(rank) || seen[static_cast<size_t>(axis)])
        Fail(ErrorCode::kInput, "has perm [{}] for {} dimensions", fmt::join(perm, ", "), rank);
      seen[static_cast<size_t>(axis)] = true;
    }
    Array result{{}, std::vector<double>(data.values.size()), data.type};
    std::vector<int64_t> steps(rank, 1);
    for (size_t i = rank; i-- > 1;) steps[i - 1] = steps[i] * data.dims[i];
    for (const int64_t axis : perm) result.dims.push_back(data.dims[static_cast<size_t>(axis)]);
    for (size_t flat = 0; flat < result.values.size(); ++flat) {
      int64_t rest = static_cast<int64_t>(flat), from = 0;
      for (size_t i = rank; i-- > 0;) {
        from += rest % result.dims[i] * steps[static_cast<size_t>(perm[i])];
        rest /= result.dims[i];
      }
      result.values[flat] = data.values[static_cast<size_t>(from)];
    }
    return result;
  }

  Array Filled() const {
    const Array value = ToArray(ReadValueAttribute(node_, folder_));
    if (value.values.size() != 1) Fail(ErrorCode::kInput, "has {} values to fill with", value.values.size());
    const std::vector<int64_t> dims = Integers(0);
    return {dims, std::vector<double>(static_cast<size_t>(CountOf(dims)), value.values[0]), value.type};
  }

  Array Expand() const {
    const std::vector<int64_t> dims = Integers(1);
    const Array ones{dims, std::vector<double>(static_cast<size_t>(CountOf(dims)), 1.0), Input(0).type};
    return Broadcast(Input(0), ones, [](double a, double) { return a; });
  }

  const onnx::NodeProto& node_;
  const std::string& folder_;
  Attributes attributes_;
  AttributeReader reader_;
  std::vector<Array> inputs_;
  std::vector<bool> given_;
};

}  // namespace

bool CanFold(const std::string& type) {
  static const char* const types[] = {
      "Abs",        "Add",     "Cast",      "Ceil",     "Concat", "ConstantOfShape",
      "Div",        "Exp",     "Expand",    "Flatten",  "Floor",  "Gather",
      "Log",        "Max",     "Min",       "Mul",      "Neg",    "Pow",
      "Reciprocal", "Reshape", "Shape",     "Size",     "Slice",  "Sqrt",
      "Squeeze",    "Sub",     "Transpose", "Unsqueeze"};
  return std::any_of(std::begin(types), std::end(types), [&](const char* t) { return type == t; });
}

bool IsRearrangement(const std::string& type) {
  return type == "Reshape" || type == "Squeeze" || type == "Unsqueeze" || type == "Transpose" ||
         type == "Flatten";
}

Constant FoldNode(const onnx::NodeProto& node, const std::vector<const Constant*>& inputs,
                  const std::string& folder) {
  return ToConstant(Folder(node, inputs, folder).Run());
}

std::vector<int64_t> ShapePart(const std::vector<int64_t>& dims, AttributeReader* reader) {
  const int64_t n = static_cast<int64_t>(dims.size());
  const auto place = [&](int64_t at) { return std::clamp<int64_t>(at < 0 ? at + n : at, 0, n); };
  const int64_t begin = place(reader->Int("start", 0)), end = place(reader->Int("end", n));
  return {dims.begin() + begin, dims.begin() + std::max(begin, end)};
}

Constant IntegerConstant(const std::vector<int64_t>& values) {
  return {.name = "",
          .dims = {static_cast<int64_t>(values.size())},
          .floats = {},
          .integers = values,
          .type = onnx::TensorProto::INT64};
}

}  // namespace swath
