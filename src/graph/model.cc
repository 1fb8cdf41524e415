#include "swath/model.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "base/error.h"
#include "geometry/window.h"

namespace swath {
std::vector<Shape> ValidateGraph(const Graph& graph) {
  // The size of the image is open, and some networks (convolutions without pads, with skips) fit only every
  // so many pixels; so the sizes of one period are tried.
  constexpr int64_t kLarge = int64_t{1} << 20, kMostTries = 1024;
  const int64_t period = TotalStride(graph), first = RoundUp(kLarge, period);
  std::optional<Error> error;
  for (int64_t size = first; size < first + std::min(period, kMostTries); ++size) {
    try {
      return InferShapes(graph, size, size);
    } catch (const Error& e) {
      if (!error) error = e;
    }
  }
  throw *error;
}

int64_t OutputChannels(const Graph& graph) {
  return ValidateGraph(graph).at(static_cast<size_t>(graph.output)).channels;
}

Graph LoadModel(const std::string& name_or_path, uint64_t seed) {
  const auto& names = BuiltInModelNames();
  if (std::find(names.begin(), names.end(), name_or_path) != names.end())
    return BuiltInModel(name_or_path, seed);
  std::error_code ignored;
  if (!std::filesystem::exists(name_or_path, ignored)) {
    Fail(ErrorCode::kInput, "{}: neither a file nor a built-in model ({})", name_or_path,
         fmt::join(names, ", "));
  }
  return ImportOnnx(name_or_path);
}

}  // namespace swath
