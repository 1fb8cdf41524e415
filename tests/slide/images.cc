#include "tests/slide/images.h"

#include <gtest/gtest.h>
#include <png.h>
#include <stdlib.h>  // mkdtemp
#include <tiffio.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>

// After <cstdio>: it uses FILE and declares it nowhere.
#include <jpeglib.h>

namespace swath::testing {

Image Noise(int64_t width, int64_t height, int64_t channels, unsigned seed) {
  Image image{width, height, channels};
  std::mt19937 random(seed);
  image.pixels.resize(static_cast<size_t>(width * height * channels));
  for (auto& value : image.pixels) value = static_cast<uint8_t>(random() >> 13);
  return image;
}

Image Smooth(int64_t width, int64_t height, int64_t channels) {
  Image image{width, height, channels};
  image.pixels.resize(static_cast<size_t>(width * height * channels));
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      for (int64_t c = 0; c < channels; ++c) {
        const double value =
            128 + 80 * std::sin(0.03 * static_cast<double>(x + 2 * y)) + 10 * static_cast<double>(c);
        image.at(y, x, c) = static_cast<uint8_t>(value);
      }
    }
  }
  return image;
}

Image Subsample(const Image& image, int64_t factor) {
  Image result{image.width / factor, image.height / factor, image.channels};
  result.pixels.resize(static_cast<size_t>(result.width * result.height * result.channels));
  for (int64_t y = 0; y < result.height; ++y) {
    for (int64_t x = 0; x < result.width; ++x) {
      for (int64_t c = 0; c < image.channels; ++c) result.at(y, x, c) = image.at(y * factor, x * factor, c);
    }
  }
  return result;
}

Image Crop(const Image& image, int64_t x, int64_t y, int64_t width, int64_t height) {
  Image result{width, height, image.channels};
  for (int64_t row = y; row < y + height; ++row) {
    const auto begin = image.pixels.begin() + (row * image.width + x) * image.channels;
    result.pixels.insert(result.pixels.end(), begin, begin + width * image.channels);
  }
  return result;
}

int MaxDifference(const Image& a, const Image& b) {
  if (a.width != b.width || a.height != b.height || a.channels != b.channels) return 256;
  if (a.pixels == b.pixels) return 0;  // soon seen, also without optimisation
  int largest = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i)
    largest = std::max(largest, std::abs(a.pixels[i] - b.pixels[i]));
  return largest;
}

Image ReadAll(RowSource& source, int64_t step) {
  Image image{source.width(), source.height(), source.channels()};
  image.pixels.resize(static_cast<size_t>(image.width * image.height * image.channels));
  for (int64_t y = 0; y < image.height; y += step) {
    source.Read({y, std::min(y + step, image.height)},
                image.pixels.data() + y * image.width * image.channels);
  }
  return image;
}

TempFolder::TempFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "swath-test-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  path_ = name;
}

TempFolder::~TempFolder() { std::filesystem::remove_all(path_); }

void WriteNpy(const std::string& path, const std::string& type, const std::string& shape,
              const std::string& items) {
  std::string header = "{'descr': '" + type + "', 'fortran_order': False, 'shape': (" + shape + "), }";
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  std::ofstream file(path, std::ios::binary);
  file << std::string("\x93NUMPY\x01\x00", 8) << static_cast<char>(header.size() & 255)
       << static_cast<char>(header.size() >> 8) << header << items;
}

namespace {

/// One row of samples, packed most significant bits first.
std::vector<uint8_t> Pack(const uint8_t* samples, int64_t count, int bits) {
  std::vector<uint8_t> packed(static_cast<size_t>((count * bits + 7) / 8));
  for (int64_t i = 0; i < count; ++i) {
    const int64_t bit = i * bits;
    packed[static_cast<size_t>(bit / 8)] |= static_cast<uint8_t>(samples[i] << (8 - bits - bit % 8));
  }
  return packed;
}

void SetTags(TIFF* tiff, const Image& image, const TiffSpec& spec) {
  const int photometric = spec.photometric >= 0 ? spec.photometric
                          : image.channels >= 3 ? PHOTOMETRIC_RGB
                                                : PHOTOMETRIC_MINISBLACK;
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, static_cast<uint32_t>(image.width));
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, static_cast<uint32_t>(image.height));
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, spec.bits);
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, static_cast<int>(image.channels));
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, photometric);
  TIFFSetField(tiff, TIFFTAG_ORIENTATION, spec.orientation);
  if (!spec.description.empty()) TIFFSetField(tiff, TIFFTAG_IMAGEDESCRIPTION, spec.description.c_str());
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG,
               spec.separate_planes ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG);
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, spec.compression);
  if (spec.compression == COMPRESSION_JPEG) {
    TIFFSetField(tiff, TIFFTAG_JPEGQUALITY, spec.quality);
    if (photometric == PHOTOMETRIC_YCBCR) TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
  }
  if (spec.extra_sample >= 0) {
    const auto kind = static_cast<uint16_t>(spec.extra_sample);
    TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, &kind);
  }
  if (photometric == PHOTOMETRIC_PALETTE) {
    uint16_t map[3][256];
    for (int i = 0; i < 256; ++i) {
      map[0][i] = static_cast<uint16_t>(i * 257);
      map[1][i] = static_cast<uint16_t>((255 - i) * 257);
      map[2][i] = 7 * 257;
    }
    TIFFSetField(tiff, TIFFTAG_COLORMAP, map[0], map[1], map[2]);
  }
  if (spec.mpp > 0) {
    TIFFSetField(tiff, TIFFTAG_RESOLUTIONUNIT, RESUNIT_CENTIMETER);
    TIFFSetField(tiff, TIFFTAG_XRESOLUTION, 10000 / spec.mpp);
    TIFFSetField(tiff, TIFFTAG_YRESOLUTION, 10000 / spec.mpp);
  }
  if (spec.tile_width > 0) {
    TIFFSetField(tiff, TIFFTAG_TILEWIDTH, static_cast<uint32_t>(spec.tile_width));
    TIFFSetField(tiff, TIFFTAG_TILELENGTH, static_cast<uint32_t>(spec.tile_height));
  } else {
    TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, static_cast<uint32_t>(spec.rows_per_strip));
  }
}

/// The samples of one tile or strip of one plane (-1: all, interleaved); outside the image they repeat the
/// last.
std::vector<uint8_t> Cut(const Image& image, const TiffSpec& spec, Image window, int64_t x, int64_t y,
                         int plane) {
  std::vector<uint8_t> bytes;
  for (int64_t row = y; row < y + window.height; ++row) {
    std::vector<uint8_t> samples;
    for (int64_t column = x; column < x + window.width; ++column) {
      const int64_t from_y = std::min(row, image.height - 1);
      const int64_t from_x = std::min(column, image.width - 1);
      for (int64_t c = plane < 0 ? 0 : plane; c < (plane < 0 ? image.channels : plane + 1); ++c) {
        samples.push_back(image.at(from_y, from_x, c));
      }
    }
    if (spec.bits < 8) samples = Pack(samples.data(), window.width, spec.bits);
    bytes.insert(bytes.end(), samples.begin(), samples.end());
  }
  return bytes;
}

void WritePixels(TIFF* tiff, const Image& image, const TiffSpec& spec) {
  const bool tiled = spec.tile_width > 0;
  const int64_t step_x = tiled ? spec.tile_width : image.width;
  const int64_t step_y = tiled ? spec.tile_height : spec.rows_per_strip;
  uint32_t index = 0;
  for (int plane = spec.separate_planes ? 0 : -1; plane < (spec.separate_planes ? image.channels : 0);
       ++plane) {
    for (int64_t y = 0; y < image.height; y += step_y) {
      for (int64_t x = 0; x < image.width; x += step_x, ++index) {
        if (index == spec.unwritten_tile) continue;
        const Image window{step_x, tiled ? step_y : std::min(step_y, image.height - y), image.channels};
        auto bytes = Cut(image, spec, window, x, y, plane);
        const auto size = static_cast<tmsize_t>(bytes.size());
        const auto written = tiled ? TIFFWriteEncodedTile(tiff, index, bytes.data(), size)
                                   : TIFFWriteEncodedStrip(tiff, index, bytes.data(), size);
        ASSERT_EQ(written, size);
      }
    }
  }
}

}  // namespace

void WriteTiff(const std::string& path, const std::vector<Image>& levels, const TiffSpec& spec) {
  TIFF* tiff = TIFFOpen(path.c_str(), spec.big ? "w8" : "w");
  ASSERT_NE(tiff, nullptr);
  for (size_t level = 0; level < levels.size(); ++level) {
    SetTags(tiff, levels[level], spec);
    if (level > 0) TIFFSetField(tiff, TIFFTAG_SUBFILETYPE, FILETYPE_REDUCEDIMAGE);
    if (level == 0 && spec.pyramid == Pyramid::kSubIfds) {
      const std::vector<uint64_t> places(levels.size() - 1);
      TIFFSetField(tiff, TIFFTAG_SUBIFD, static_cast<int>(places.size()), places.data());
    }
    WritePixels(tiff, levels[level], spec);
    ASSERT_EQ(TIFFWriteDirectory(tiff), 1);
  }
  TIFFClose(tiff);
}

namespace {

/// libpng's and libjpeg's own error handlers end the process, which a test may.
void WritePngRows(const std::string& path, const Image& image, int bits, int colour, bool interlaced) {
  FILE* file = std::fopen(path.c_str(), "wb");
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_init_io(png, file);
  png_set_IHDR(png, info, static_cast<png_uint_32>(image.width), static_cast<png_uint_32>(image.height), bits,
               colour, interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  if (colour == PNG_COLOR_TYPE_PALETTE) {
    png_color palette[256];
    for (int i = 0; i < 256; ++i) palette[i] = {static_cast<png_byte>(i), static_cast<png_byte>(255 - i), 7};
    png_set_PLTE(png, info, palette, 256);
  }
  png_write_info(png, info);
  if (bits < 8) png_set_packing(png);
  std::vector<png_bytep> rows;
  auto pixels = image.pixels;
  for (int64_t y = 0; y < image.height; ++y) rows.push_back(pixels.data() + y * image.width * image.channels);
  png_write_image(png, rows.data());
  png_write_end(png, nullptr);
  png_destroy_write_struct(&png, &info);
  std::fclose(file);
}

}  // namespace

void WritePng(const std::string& path, const Image& image, int bits, bool interlaced) {
  constexpr int kColours[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                              PNG_COLOR_TYPE_RGB_ALPHA};
  WritePngRows(path, image, bits, kColours[image.channels - 1], interlaced);
}

void WritePalettePng(const std::string& path, const Image& indices) {
  WritePngRows(path, indices, 8, PNG_COLOR_TYPE_PALETTE, false);
}

void WriteJpeg(const std::string& path, const Image& image, int quality, bool progressive) {
  FILE* file = std::fopen(path.c_str(), "wb");
  jpeg_compress_struct encoder{};
  jpeg_error_mgr errors{};
  encoder.err = jpeg_std_error(&errors);
  jpeg_create_compress(&encoder);
  jpeg_stdio_dest(&encoder, file);
  encoder.image_width = static_cast<JDIMENSION>(image.width);
  encoder.image_height = static_cast<JDIMENSION>(image.height);
  encoder.input_components = static_cast<int>(image.channels);
  encoder.in_color_space = image.channels == 4 ? JCS_CMYK : image.channels == 3 ? JCS_RGB : JCS_GRAYSCALE;
  jpeg_set_defaults(&encoder);
  jpeg_set_quality(&encoder, quality, TRUE);
  if (progressive) jpeg_simple_progression(&encoder);
  jpeg_start_compress(&encoder, TRUE);
  auto pixels = image.pixels;
  for (int64_t y = 0; y < image.height; ++y) {
    JSAMPROW row = pixels.data() + y * image.width * image.channels;
    jpeg_write_scanlines(&encoder, &row, 1);
  }
  jpeg_finish_compress(&encoder);
  jpeg_destroy_compress(&encoder);
  std::fclose(file);
}

}  // namespace swath::testing
