#include "output/jpeg_picture.h"

#include <csetjmp>
#include <cstdio>
#include <cstdlib>

// jpeglib.h needs <cstdio> before it.
#include <jpeglib.h>

#include "base/error.h"

namespace swath {
namespace {

class JpegPicture {
 public:
  JpegPicture() {
    info_.err = jpeg_std_error(&manager_);
    info_.client_data = this;
    manager_.error_exit = [](j_common_ptr info) {
      std::longjmp(static_cast<JpegPicture*>(info->client_data)->jump_, 1);
    };
    manager_.output_message = [](j_common_ptr) {};
  }
  ~JpegPicture() {
    jpeg_destroy_compress(&info_);
    std::free(bytes_);
  }
  JpegPicture(const JpegPicture&) = delete;
  JpegPicture& operator=(const JpegPicture&) = delete;

  // libjpeg reports errors by longjmp, which must not skip destructors: this function holds none.
  bool Encode(const uint8_t* rgb, int64_t width, int64_t height, int quality) {
    if (setjmp(jump_) != 0) return false;
    jpeg_create_compress(&info_);
    jpeg_mem_dest(&info_, &bytes_, &size_);
    info_.image_width = static_cast<JDIMENSION>(width);
    info_.image_height = static_cast<JDIMENSION>(height);
    info_.input_components = 3;
    info_.in_color_space = JCS_RGB;
    jpeg_set_defaults(&info_);
    jpeg_set_quality(&info_, quality, TRUE);
    info_.optimize_coding = TRUE;
    info_.comp_info[0].h_samp_factor = 1;
    info_.comp_info[0].v_samp_factor = 1;
    jpeg_start_compress(&info_, TRUE);
    while (info_.next_scanline < info_.image_height) {
      JSAMPROW row = const_cast<uint8_t*>(rgb) + int64_t{info_.next_scanline} * width * 3;
      jpeg_write_scanlines(&info_, &row, 1);
    }
    jpeg_finish_compress(&info_);
    return true;
  }

  std::vector<uint8_t> Bytes() const { return {bytes_, bytes_ + size_}; }
  std::string Message() {
    char text[JMSG_LENGTH_MAX] = {};
    manager_.format_message(reinterpret_cast<j_common_ptr>(&info_), text);
    return text;
  }

 private:
  jpeg_error_mgr manager_{};
  std::jmp_buf jump_;
  jpeg_compress_struct info_{};
  unsigned char* bytes_ = nullptr;
  unsigned long size_ = 0;
};

}  // namespace

std::vector<uint8_t> EncodeJpeg(const std::vector<uint8_t>& rgb, int64_t width, int64_t height, int quality) {
  JpegPicture picture;
  if (!picture.Encode(rgb.data(), width, height, quality))
    Fail(ErrorCode::kOutput, "[jpeg] a picture cannot be compressed: {}", picture.Message());
  return picture.Bytes();
}

}  // namespace swath
