/// Pixels of a PNG, by libpng's own reader.
#pragma once

#include <gtest/gtest.h>
#include <png.h>

#include <string>
#include <vector>

namespace swath::test {

inline std::vector<uint8_t> ReadPng(const std::string& path, uint32_t format) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  EXPECT_NE(png_image_begin_read_from_file(&image, path.c_str()), 0);
  image.format = format;
  std::vector<uint8_t> pixels(PNG_IMAGE_SIZE(image));
  EXPECT_NE(png_image_finish_read(&image, nullptr, pixels.data(), 0, nullptr), 0);
  return pixels;
}

}  // namespace swath::test
