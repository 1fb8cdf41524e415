/// Attributes of an operator, by their ONNX names, free of protobuf.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace swath {

using AttributeValue = std::variant<int64_t, double, std::string, std::vector<int64_t>, std::vector<double>>;

/// Ordered by name, so that what is written is reproducible.
using Attributes = std::map<std::string, AttributeValue>;

/// Reads attributes and remembers which were asked for, so that one that nobody understands is refused rather
/// than ignored. Wrong types throw Error (kInput).
class AttributeReader {
 public:
  explicit AttributeReader(const Attributes& attributes) : attributes_(attributes) {}

  int64_t Int(const std::string& name, int64_t fallback);
  double Float(const std::string& name, double fallback);
  std::string String(const std::string& name, const std::string& fallback);
  /// Exactly `count` values, or any number of them.
  std::vector<int64_t> Ints(const std::string& name, const std::vector<int64_t>& fallback,
                            std::optional<size_t> count = std::nullopt);

  /// Throws Error (kUnsupported) naming an attribute that was there and not read.
  void Finish() const;

 private:
  const AttributeValue* Find(const std::string& name);

  const Attributes& attributes_;
  std::map<std::string, bool> seen_;
};

}  // namespace swath
