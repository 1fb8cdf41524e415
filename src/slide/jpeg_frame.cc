#include "slide/frame_pixels.h"
#include "slide/jpeg_decompressor.h"

namespace swath {

void DecodeJpegFrame(const std::string& name, std::span<const uint8_t> frame, const FrameShape& shape,
                     uint8_t* dst) {
  JpegDecompressor jpeg(name, frame);
  jpeg_decompress_struct& decoder = jpeg.decoder();
  if (jpeg.width() != shape.width || jpeg.height() != shape.height ||
      decoder.num_components != static_cast<int>(shape.samples)) {
    Fail(ErrorCode::kInput, "{}: the JPEG is {}x{} with {} samples a pixel, expected {}x{} with {}", name,
         jpeg.width(), jpeg.height(), decoder.num_components, shape.width, shape.height, shape.samples);
  }
  auto start = [&decoder, &shape] {
    const bool says_colours = decoder.saw_JFIF_marker == TRUE || decoder.saw_Adobe_marker == TRUE;
    if (shape.samples == 3 && !says_colours) decoder.jpeg_color_space = shape.ycbcr ? JCS_YCbCr : JCS_RGB;
    decoder.out_color_space = shape.samples == 3 ? JCS_RGB : JCS_GRAYSCALE;
    jpeg_start_decompress(&decoder);
  };
  jpeg.Guard(start);
  auto rows = [&jpeg, &shape, dst] {
    for (int64_t y = 0; y < shape.height; ++y) jpeg.NextRow(dst + y * shape.width * shape.samples);
  };
  jpeg.Guard(rows);
}

}  // namespace swath
