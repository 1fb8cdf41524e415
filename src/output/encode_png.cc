#include <png.h>

#include "base/error.h"
#include "output/encode_picture.h"

namespace swath {

std::vector<uint8_t> EncodePng(const uint8_t* indices, int64_t width, int64_t height,
                               std::span<const std::array<uint8_t, 4>> palette) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(width);
  image.height = static_cast<png_uint_32>(height);
  image.format = PNG_FORMAT_RGBA_COLORMAP;
  image.colormap_entries = static_cast<png_uint_32>(palette.size());
  image.flags = PNG_IMAGE_FLAG_FAST;
  png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::vector<uint8_t> png(bytes);
  if (png_image_write_to_memory(&image, png.data(), &bytes, 0, indices, static_cast<png_int_32>(width),
                                palette.data()) == 0) {
    Fail(ErrorCode::kOutput, "[png] a picture of {} x {} px cannot be compressed: {}", width, height,
         image.message);
  }
  png.resize(bytes);
  return png;
}

}  // namespace swath
