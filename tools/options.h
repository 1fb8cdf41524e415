/// What several subcommands read from their options.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "base/parse_number.h"
#include "base/quantities.h"
#include "swath/plan.h"
#include "swath/slide.h"

namespace CLI {
class App;
class Option;
class Validator;
}  // namespace CLI

namespace swath::tools {

/// The most of anything that is counted, such as steps: sums and products of two stay far from 2^63.
constexpr int64_t kMostCounted = 1'000'000'000;

/// How options of a built-in model are written; docs/model-format.md lists them.
inline constexpr char kModelOptionsExample[] = "unet:base=16,norm=batch or resnet-18:head=attention";

/// Of --level, where slides are read for a model.
inline constexpr char kModelLevelHelp[] =
    "Level of the slides to read [the model's pixel size where both have one, else 0]";

// Validators for CLI::Option::check. CLI11's conversions alone take "010" for eight, wrap "-1" around to 2^64
// - 1 and saturate what is too large; behind these they see only what they read as it is written.

/// Decimal digits of a number from `least` to `most`.
CLI::Validator WholeNumber(int64_t least, int64_t most);

/// 0 to 1024, where 0 is one for each processor.
CLI::Validator ThreadCount();

/// 0 to 2^64 - 1.
CLI::Validator Seed();

/// What a finite number may be; bounds that are not given do not count.
struct NumberRange {
  double above = -std::numeric_limits<double>::infinity();
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
  double below = std::numeric_limits<double>::infinity();
};

CLI::Validator Number(const NumberRange& range);

struct Size {
  int64_t width = 0;
  int64_t height = 0;
};

/// "WIDTHxHEIGHT" in pixels, each from 1 to 2^31 - 1. Throws Error (kUsage) that names the option.
Size ParseSize(const std::string& option, const std::string& text);

/// --threads; 0 is one for each processor.
CLI::Option* AddThreadsOption(CLI::App* command, PlanOptions* plan);
/// --strips; 0 is by image and network.
CLI::Option* AddStripsOption(CLI::App* command, PlanOptions* plan);
/// --precision, fp32 or bf16.
CLI::Option* AddPrecisionOption(CLI::App* command, PlanOptions* plan);

/// --memory, a limit in bytes: "2GiB", "512MiB", "1.5GB" or a number of them.
CLI::Option* AddMemoryOption(CLI::App* command, int64_t* bytes);

/// --simplify, how far outlines may be from the edges of pixels; what `pixels` is stays the default.
CLI::Option* AddSimplifyOption(CLI::App* command, double* pixels);

/// --level and --mpp, of which there can be one; the help of the first differs.
void AddPixelOptions(CLI::App* command, const std::string& level_help, std::optional<int>* level,
                     std::optional<double>* mpp, const std::string& group = "Options");

/// --slide-mpp, the pixel size of a slide that does not say it, or says it wrong.
CLI::Option* AddSlideMppOption(CLI::App* command, SlideOptions* options);

}  // namespace swath::tools
