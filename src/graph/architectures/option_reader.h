/// Options of a built-in network, written after its name: "unet:depth=3,norm=batch".
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace swath {

/// The name without options.
std::string_view ArchitectureName(std::string_view name);

/// Reads options by name; Finish() refuses those that nobody has read. All throw Error (kUsage).
class OptionReader {
 public:
  explicit OptionReader(std::string_view name);

  int64_t Integer(const std::string& option, int64_t fallback, int64_t least, int64_t most);
  /// The index of the value among `choices`, whose first is the default.
  size_t Choice(const std::string& option, const std::vector<std::string>& choices);
  void Finish() const;

 private:
  /// Null where the option is not given.
  const std::string* Find(const std::string& option);

  std::string name_;
  std::map<std::string, std::string> values_;
  std::vector<std::string> known_;
};

}  // namespace swath
