#include "tests/slide/jp2k_image.h"

#include <gtest/gtest.h>
#include <openjpeg.h>
#include <tiffio.h>

#include "tests/support/whole_file.h"

namespace swath::testing {

std::string Jp2kBytes(const Image& image, const Jp2kSpec& spec) {
  std::vector<opj_image_cmptparm_t> components(static_cast<size_t>(image.channels));
  for (auto& component : components) {
    component = {};
    component.dx = component.dy = 1;
    component.w = static_cast<OPJ_UINT32>(image.width);
    component.h = static_cast<OPJ_UINT32>(image.height);
    component.prec = 8;
  }
  opj_image_t* planes = opj_image_create(static_cast<OPJ_UINT32>(components.size()), components.data(),
                                         image.channels == 3 ? OPJ_CLRSPC_SRGB : OPJ_CLRSPC_GRAY);
  planes->x1 = static_cast<OPJ_UINT32>(image.width);
  planes->y1 = static_cast<OPJ_UINT32>(image.height);
  for (size_t i = 0; i < image.pixels.size(); ++i)
    planes->comps[i % components.size()].data[i / components.size()] = image.pixels[i];

  opj_cparameters_t parameters;
  opj_set_default_encoder_parameters(&parameters);
  parameters.tcp_numlayers = 1;
  parameters.cp_disto_alloc = 1;
  parameters.tcp_rates[0] = spec.lossless ? 0 : 6;
  parameters.irreversible = spec.lossless ? 0 : 1;
  parameters.numresolution = 4;
  parameters.tcp_mct = image.channels == 3 ? 1 : 0;
  if (spec.tile > 0) {
    parameters.tile_size_on = OPJ_TRUE;
    parameters.cp_tdx = parameters.cp_tdy = static_cast<int>(spec.tile);
  }
  if (spec.tile_parts) {
    parameters.tp_on = 1;
    parameters.tp_flag = 'R';
  }
  const TempFolder folder;
  const std::string path = folder / "a";
  opj_codec_t* codec = opj_create_compress(spec.boxes ? OPJ_CODEC_JP2 : OPJ_CODEC_J2K);
  opj_stream_t* stream = opj_stream_create_default_file_stream(path.c_str(), OPJ_FALSE);
  const bool written = opj_setup_encoder(codec, &parameters, planes) == OPJ_TRUE &&
                       opj_start_compress(codec, planes, stream) && opj_encode(codec, stream) == OPJ_TRUE &&
                       opj_end_compress(codec, stream) == OPJ_TRUE;
  EXPECT_TRUE(written);
  opj_stream_destroy(stream);
  opj_destroy_codec(codec);
  opj_image_destroy(planes);
  return test::ReadFile(path);
}

Jp2kTiff CutToTiles(const Image& image, const Jp2kSpec& spec) {
  Jp2kTiff tiff{.tile_width = image.width / 2, .tile_height = image.height / 2};
  for (const int64_t y : {int64_t{0}, tiff.tile_height}) {
    for (const int64_t x : {int64_t{0}, tiff.tile_width})
      tiff.tiles.push_back(Jp2kBytes(Crop(image, x, y, tiff.tile_width, tiff.tile_height), spec));
  }
  return tiff;
}

void WriteJp2kTiff(const std::string& path, const Jp2kTiff& tiff) {
  TIFF* file = TIFFOpen(path.c_str(), "w");
  ASSERT_NE(file, nullptr);
  TIFFSetField(file, TIFFTAG_IMAGEWIDTH, static_cast<uint32_t>(2 * tiff.tile_width));
  TIFFSetField(file, TIFFTAG_IMAGELENGTH, static_cast<uint32_t>(2 * tiff.tile_height));
  TIFFSetField(file, TIFFTAG_TILEWIDTH, static_cast<uint32_t>(tiff.tile_width));
  TIFFSetField(file, TIFFTAG_TILELENGTH, static_cast<uint32_t>(tiff.tile_height));
  TIFFSetField(file, TIFFTAG_BITSPERSAMPLE, 8);
  TIFFSetField(file, TIFFTAG_SAMPLESPERPIXEL, 3);
  TIFFSetField(file, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  TIFFSetField(file, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_RGB);
  TIFFSetField(file, TIFFTAG_COMPRESSION, tiff.compression);
  TIFFSetField(file, TIFFTAG_IMAGEDESCRIPTION, tiff.description.c_str());
  for (uint32_t i = 0; i < tiff.tiles.size(); ++i) {
    std::string tile = tiff.tiles[i];
    const auto bytes = static_cast<tmsize_t>(tile.size());
    ASSERT_EQ(TIFFWriteRawTile(file, i, tile.data(), bytes), bytes);
  }
  TIFFClose(file);
}

}  // namespace swath::testing
