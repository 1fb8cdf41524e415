/// JPEG files, by libjpeg-turbo.
#include <memory>
#include <utility>

#include "slide/format.h"
#include "slide/jpeg_decompressor.h"
#include "slide/top_down.h"

namespace swath {
namespace {

class JpegDecoder final : public RowDecoder {
 public:
  explicit JpegDecoder(const std::string& path) : file_(path) {
    auto step = [this] {
      file_.decoder().out_color_space = JCS_RGB;
      jpeg_start_decompress(&file_.decoder());
    };
    file_.Guard(step);
  }

  int64_t buffer_bytes() const override { return file_.buffer_bytes(); }

  void Next(uint8_t* dst) override {
    auto step = [this, dst] { file_.NextRow(dst); };
    file_.Guard(step);
  }

 private:
  JpegDecompressor file_;
};

}  // namespace

std::shared_ptr<const SlideFormat> OpenJpeg(const std::string& path) {
  const JpegDecompressor file(path);
  SlideInfo info;
  info.path = path;
  info.format = "jpeg";
  info.decoder = "libjpeg";
  info.levels.push_back(
      {.width = file.width(), .height = file.height(), .tile_width = file.width(), .tile_height = 1});
  info.grey = file.grey();
  info.bounds = {0, 0, file.width(), file.height()};
  return std::make_shared<TopDownSlide>(std::move(info), /*has_alpha=*/false,
                                        [path](Pixels) { return std::make_unique<JpegDecoder>(path); });
}

}  // namespace swath
