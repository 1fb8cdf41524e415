/// The registry of the architectures that are built in code.
#include <algorithm>
#include <set>

#include "base/error.h"
#include "graph/architectures/architecture.h"
#include "graph/architectures/option_reader.h"
#include "swath/model.h"

namespace swath {
namespace {

struct Architecture {
  std::string_view name;
  Graph (*build)(const ArchitectureRequest& request);
};

constexpr Architecture kArchitectures[] = {
    {"unet-4492", BuildUnet4492},       {"pixel-mlp", BuildPixelMlp},        {"unet", BuildUnet},
    {"resnet-18", BuildResNet18},       {"resnet-34", BuildResNet34},        {"resnet-50", BuildResNet50},
    {"mobilenet-v2", BuildMobileNetV2}, {"convnext-tiny", BuildConvNeXtTiny}};

/// Null if there is none; options are not looked at.
const Architecture* FindArchitecture(std::string_view name) {
  for (const Architecture& architecture : kArchitectures) {
    if (architecture.name == ArchitectureName(name)) return &architecture;
  }
  return nullptr;
}

}  // namespace

const std::vector<std::string>& BuiltInModelNames() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Architecture& architecture : kArchitectures) all.emplace_back(architecture.name);
    return all;
  }();
  return names;
}

bool IsBuiltInModel(std::string_view name) { return FindArchitecture(name) != nullptr; }

Graph BuiltInModel(std::string_view name, uint64_t seed, const std::vector<std::string>& classes) {
  const std::set<std::string> different(classes.begin(), classes.end());
  const bool plain = std::all_of(classes.begin(), classes.end(), [](const std::string& class_name) {
    return !class_name.empty() && class_name.find(',') == std::string::npos;
  });
  if (classes.size() < 2 || classes.size() > 255 || different.size() != classes.size() || !plain) {
    Fail(ErrorCode::kUsage,
         "classes '{}', expected 2 to 255 different names without commas, the background's first",
         fmt::join(classes, "', '"));
  }
  const Architecture* architecture = FindArchitecture(name);
  if (architecture == nullptr) {
    Fail(ErrorCode::kUsage, "no built-in model is named '{}'; there are {}", ArchitectureName(name),
         fmt::join(BuiltInModelNames(), ", "));
  }
  return architecture->build({.name = std::string(name), .seed = seed, .classes = classes});
}

}  // namespace swath
