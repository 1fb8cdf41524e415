/// What is drawn, and how it is said.
#include <charconv>
#include <optional>

#include "base/error.h"
#include "base/random.h"
#include "swath/augment.h"

namespace swath {
namespace {

constexpr double kStain = 0.05, kTone = 0.1;  ///< strengths where none is said

/// Of "name" or "name=strength"; nothing where that is neither.
std::optional<double> StrengthOf(const std::string& word, const std::string& name, double fallback) {
  if (word == name) return fallback;
  if (!word.starts_with(name + "=")) return std::nullopt;
  double strength = 0;
  const char* const end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data() + name.size() + 1, end, strength);
  if (error != std::errc() || stop != end || !(strength >= 0 && strength < 1)) return std::nullopt;
  return strength;
}

}  // namespace

AugmentOptions ParseAugmentOptions(const std::vector<std::string>& words) {
  AugmentOptions options;
  for (const std::string& word : words) {
    if (word == "flip") {
      options.flip = true;
    } else if (word == "transpose") {
      options.transpose = true;
    } else if (const auto stain = StrengthOf(word, "stain", kStain)) {
      options.stain = *stain;
    } else if (const auto brightness = StrengthOf(word, "brightness", kTone)) {
      options.brightness = *brightness;
    } else if (const auto contrast = StrengthOf(word, "contrast", kTone)) {
      options.contrast = *contrast;
    } else {
      Fail(ErrorCode::kUsage,
           "augmentation '{}', expected flip, transpose, stain, brightness or contrast, the last three "
           "perhaps "
           "with a strength of at least 0 and below 1 (stain={})",
           word, kStain);
    }
  }
  return options;
}

std::vector<std::string> ToWords(const AugmentOptions& options) {
  std::vector<std::string> words;
  if (options.flip) words.emplace_back("flip");
  if (options.transpose) words.emplace_back("transpose");
  const auto add = [&](const char* name, double strength) {
    if (strength > 0) words.push_back(fmt::format("{}={}", name, strength));
  };
  add("stain", options.stain);
  add("brightness", options.brightness);
  add("contrast", options.contrast);
  return words;
}

Augmentation DrawAugmentation(const AugmentOptions& options, uint64_t seed, int64_t visit) {
  // A stream of its own, and all numbers whatever is asked for: an option more changes none of the others.
  SplitMix64 random(SplitMix64(seed ^ 0x6175676d656e7421).Next() + static_cast<uint64_t>(visit));
  const uint64_t bits = random.Next();
  const auto around = [&](double centre, double strength) {
    return centre + strength * (2 * random.Uniform() - 1);
  };
  Augmentation drawn;
  drawn.orientation = {.transpose = options.transpose && (bits & 1) != 0,
                       .mirror_columns = options.flip && (bits & 2) != 0,
                       .mirror_rows = options.flip && (bits & 4) != 0};
  for (size_t s = 0; s < 2; ++s) {
    drawn.stain.scale[s] = around(1, options.stain);
    drawn.stain.shift[s] = around(0, options.stain);
  }
  drawn.tone.brightness = around(1, options.brightness);
  drawn.tone.contrast = around(1, options.contrast);
  return drawn;
}

}  // namespace swath
