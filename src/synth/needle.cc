#include "synth/needle.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "base/random.h"
#include "synth/scene.h"

namespace swath {
namespace {

constexpr int64_t kSquare = 4;
constexpr int kContrast = 28;  // of 255, up and down

class WithNeedle final : public RowSource {
 public:
  WithNeedle(std::unique_ptr<RowSource> image, const Needle& needle)
      : image_(std::move(image)), needle_(needle) {}

  int64_t width() const override { return image_->width(); }
  int64_t height() const override { return image_->height(); }
  int64_t channels() const override { return image_->channels(); }
  int64_t natural_rows() const override { return image_->natural_rows(); }
  int64_t buffer_bytes() const override { return image_->buffer_bytes(); }
  const std::string& name() const override { return image_->name(); }
  std::unique_ptr<RowSource> Clone() const override {
    return std::make_unique<WithNeedle>(image_->Clone(), needle_);
  }

  void Read(Range rows, uint8_t* dst) override {
    image_->Read(rows, dst);
    const int64_t r = needle_.radius;
    for (int64_t y = std::max(rows.begin, needle_.y - r); y < std::min(rows.end, needle_.y + r + 1); ++y) {
      for (int64_t x = std::max<int64_t>(0, needle_.x - r); x < std::min(width(), needle_.x + r + 1); ++x) {
        const int64_t dx = x - needle_.x, dy = y - needle_.y;
        if (dx * dx + dy * dy > r * r) continue;
        const int change = (x / kSquare + y / kSquare) % 2 == 0 ? kContrast : -kContrast;
        uint8_t* pixel = dst + ((y - rows.begin) * width() + x) * 3;
        for (int c = 0; c < 3; ++c) {
          // Both squares give way at the ends of the scale, so that the mean stays.
          const int room = std::min<int>(kContrast, std::min<int>(pixel[c], 255 - pixel[c]));
          pixel[c] = static_cast<uint8_t>(pixel[c] + std::clamp(change, -room, room));
        }
      }
    }
  }

 private:
  std::unique_ptr<RowSource> image_;
  Needle needle_;
};

}  // namespace

Needle PlaceNeedle(const SynthScene& scene, const SynthOptions& options, double share) {
  constexpr int64_t kStep = 64;  // px between the places where tissue is counted
  double tissue = 0;
  for (int64_t y = kStep / 2; y < options.height; y += kStep) {
    for (int64_t x = kStep / 2; x < options.width; x += kStep)
      tissue += scene.Tissue(static_cast<double>(x), static_cast<double>(y)) > 0 ? kStep * kStep : 0;
  }
  const int64_t radius = std::max<int64_t>(1, std::llround(std::sqrt(share * tissue / M_PI)));
  SplitMix64 random(options.seed * 0x9e3779b97f4a7c15u + static_cast<uint64_t>(options.index));
  constexpr int kTries = 100000;
  for (int i = 0; i < kTries; ++i) {
    const Needle needle{.x = static_cast<int64_t>(random.Uniform() * static_cast<double>(options.width)),
                        .y = static_cast<int64_t>(random.Uniform() * static_cast<double>(options.height)),
                        .radius = radius};
    const double depth = scene.Tissue(static_cast<double>(needle.x), static_cast<double>(needle.y));
    if (depth > static_cast<double>(radius) + kStep) return needle;
  }
  Fail(ErrorCode::kUsage, "no tissue of {} x {} px is wide enough for a disc of {} px", options.width,
       options.height, 2 * radius);
}

std::unique_ptr<RowSource> NeedleRows(std::unique_ptr<RowSource> image, const Needle& needle) {
  return std::make_unique<WithNeedle>(std::move(image), needle);
}

}  // namespace swath
