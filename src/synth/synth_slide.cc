#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "output/parallel_for.h"
#include "swath/synth.h"
#include "synth/block_renderer.h"
#include "synth/needle.h"
#include "synth/scene.h"

namespace swath {
namespace {

using Scene = std::shared_ptr<const SynthScene>;

std::string NameOf(const SynthOptions& options, const char* what) {
  return fmt::format("synthetic {} {} of seed {}", what, options.index, options.seed);
}

/// Renders the blocks of one band of rows into `band`, tightly packed.
template <class Render>
void RenderBand(const SynthOptions& options, int64_t top, int64_t channels, uint8_t* band,
                const Render& render) {
  const int64_t across = (options.width + kBlockWidth - 1) / kBlockWidth;
  ParallelFor(options.threads, across, [&](int, int64_t i) {
    const BlockPlace place{.left = i * kBlockWidth,
                           .top = top,
                           .width = std::min(kBlockWidth, options.width - i * kBlockWidth),
                           .height = std::min(kBlockHeight, options.height - top)};
    render(place, band + place.left * channels, options.width * channels);
  });
}

class SynthImage : public RowSource {
 public:
  SynthImage(const SynthOptions& options, Scene scene)
      : options_(options), scene_(std::move(scene)), name_(NameOf(options, "slide")) {}

  int64_t width() const override { return options_.width; }
  int64_t height() const override { return options_.height; }
  int64_t channels() const override { return 3; }
  int64_t natural_rows() const override { return kBlockHeight; }
  int64_t buffer_bytes() const override { return 3 * options_.width * kBlockHeight; }
  const std::string& name() const override { return name_; }
  std::unique_ptr<RowSource> Clone() const override { return std::make_unique<SynthImage>(options_, scene_); }

  void Read(Range rows, uint8_t* dst) override {
    const int64_t row_bytes = 3 * options_.width;
    while (!rows.empty()) {
      const int64_t top = rows.begin / kBlockHeight * kBlockHeight;
      const Range band{top, std::min(top + kBlockHeight, options_.height)};
      const Range part = Intersect(rows, band);
      if (part == band) {
        Render(top, dst);
      } else {
        if (kept_ != top) {
          kept_rows_.resize(row_bytes * kBlockHeight);
          Render(top, kept_rows_.data());
          kept_ = top;
        }
        std::memcpy(dst, kept_rows_.data() + (part.begin - top) * row_bytes, part.size() * row_bytes);
      }
      dst += part.size() * row_bytes;
      rows.begin = part.end;
    }
  }

 private:
  void Render(int64_t top, uint8_t* band) {
    RenderBand(options_, top, 3, band, [&](const BlockPlace& place, uint8_t* rgb, int64_t pitch) {
      RenderBlock(*scene_, place, rgb, pitch);
    });
  }

  SynthOptions options_;
  Scene scene_;
  std::string name_;
  int64_t kept_ = -1;  // the band in kept_rows_, for reads of less than a band
  std::vector<uint8_t> kept_rows_;
};

class SynthMask : public RowSource {
 public:
  SynthMask(const SynthOptions& options, Scene scene, int64_t downsample)
      : options_(options),
        scene_(std::move(scene)),
        downsample_(downsample),
        name_(NameOf(options, "mask")) {}

  int64_t width() const override { return (options_.width + downsample_ - 1) / downsample_; }
  int64_t height() const override { return (options_.height + downsample_ - 1) / downsample_; }
  int64_t channels() const override { return 1; }
  int64_t natural_rows() const override { return std::max<int64_t>(kBlockHeight / downsample_, 1); }
  int64_t buffer_bytes() const override { return options_.width * kBlockHeight; }
  const std::string& name() const override { return name_; }
  std::unique_ptr<RowSource> Clone() const override {
    return std::make_unique<SynthMask>(options_, scene_, downsample_);
  }

  void Read(Range rows, uint8_t* dst) override {
    for (int64_t row = rows.begin; row < rows.end; ++row, dst += width()) {
      const int64_t y = Centre(row, options_.height);
      const int64_t top = y / kBlockHeight * kBlockHeight;
      if (kept_ != top) Render(top);
      const uint8_t* labels = kept_rows_.data() + (y - top) * options_.width;
      for (int64_t x = 0; x < width(); ++x) dst[x] = labels[Centre(x, options_.width)];
    }
  }

 private:
  int64_t Centre(int64_t i, int64_t side) const {
    return std::min(i * downsample_ + downsample_ / 2, side - 1);
  }

  void Render(int64_t top) {
    kept_rows_.resize(options_.width * kBlockHeight);
    RenderBand(options_, top, 1, kept_rows_.data(),
               [&](const BlockPlace& place, uint8_t* labels, int64_t pitch) {
                 RenderMaskBlock(*scene_, place, labels, pitch);
               });
    kept_ = top;
  }

  SynthOptions options_;
  Scene scene_;
  int64_t downsample_;
  std::string name_;
  int64_t kept_ = -1;  // the band in kept_rows_
  std::vector<uint8_t> kept_rows_;
};

}  // namespace

SynthSlide::SynthSlide(const SynthOptions& options) : options_(options) {
  constexpr int64_t kShortest = 64;
  if (std::min(options.width, options.height) < kShortest) {
    Fail(ErrorCode::kUsage, "a synthetic slide of {} x {} px is too small: sides are at least {} px",
         options.width, options.height, kShortest);
  }
  scene_ = std::make_shared<const SynthScene>(options);
  if (options.needle > 0) needle_ = PlaceNeedle(*scene_, options, options.needle);
}

std::unique_ptr<RowSource> SynthSlide::Image() const {
  auto image = std::make_unique<SynthImage>(options_, scene_);
  if (!needle_) return image;
  return NeedleRows(std::move(image), *needle_);
}

std::unique_ptr<RowSource> SynthSlide::Mask(int64_t downsample) const {
  return std::make_unique<SynthMask>(options_, scene_, downsample);
}

}  // namespace swath
