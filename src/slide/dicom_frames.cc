#include "slide/dicom_frames.h"

#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "slide/format.h"

namespace swath {
namespace {

constexpr int64_t kHeaderBytes = 8;  ///< of a fragment: tag and length
constexpr int64_t kNoFragment = -1;  ///< the delimiter after the last one

}  // namespace

DicomFrames::DicomFrames(const DicomImage& image)
    : path_(image.path), file_bytes_(static_cast<int64_t>(std::filesystem::file_size(image.path))) {
  if (image.coding == DicomCoding::kNative) {
    first_ = image.pixel_offset;
    frame_bytes_ = image.tile_width * image.tile_height * image.samples;
    const int64_t there = std::min(image.pixel_bytes, file_bytes_ - first_);
    if (there / frame_bytes_ < image.frames) {
      Fail(ErrorCode::kInput, "{}: {} bytes of pixels, expected {} frames of {}", path_, there, image.frames,
           frame_bytes_);
    }
    return;
  }
  if (image.pixel_bytes >= 0)
    Fail(ErrorCode::kInput, "{}: compressed pixels that are not in fragments", path_);
  std::ifstream stream(path_, std::ios::binary);
  IndexFragments(stream, image);
}

/// The length of the fragment whose header is at `offset`.
int64_t DicomFrames::FragmentBytes(std::ifstream& stream, int64_t offset) const {
  constexpr uint8_t kItem[] = {0xfe, 0xff, 0x00, 0xe0};
  constexpr uint8_t kEnd[] = {0xfe, 0xff, 0xdd, 0xe0};
  uint8_t header[kHeaderBytes] = {};
  stream.clear();
  stream.seekg(offset);
  stream.read(reinterpret_cast<char*>(header), kHeaderBytes);
  if (stream && std::memcmp(header, kEnd, sizeof kEnd) == 0) return kNoFragment;
  uint32_t length = 0;
  std::memcpy(&length, header + 4, sizeof length);
  if (!stream || std::memcmp(header, kItem, sizeof kItem) != 0 ||
      length > file_bytes_ - offset - kHeaderBytes) {
    Fail(ErrorCode::kInput, "{}: the fragment at byte {} is damaged, or cut off", path_, offset);
  }
  return length;
}

void DicomFrames::IndexFragments(std::ifstream& stream, const DicomImage& image) {
  const int64_t table_bytes = FragmentBytes(stream, image.pixel_offset);
  if (table_bytes < 0) Fail(ErrorCode::kInput, "{}: no fragments", path_);
  const int64_t first = image.pixel_offset + kHeaderBytes + table_bytes;
  if (!image.offset_table.empty()) return IndexByTable(image.offset_table, first);
  if (table_bytes > 0) {
    if (table_bytes / 4 != image.frames) {
      Fail(ErrorCode::kInput, "{}: an offset table of {} bytes, expected 4 for each of {} frames", path_,
           table_bytes, image.frames);
    }
    std::vector<uint32_t> table(static_cast<size_t>(image.frames));
    stream.read(reinterpret_cast<char*>(table.data()), image.frames * 4);
    return IndexByTable({table.begin(), table.end()}, first);
  }
  int64_t offset = first;
  for (int64_t bytes = 0; (bytes = FragmentBytes(stream, offset)) != kNoFragment;
       offset += kHeaderBytes + bytes)
    begin_.push_back(offset);
  begin_.push_back(offset);
  if (image.frames == 1 && begin_.size() > 2) begin_ = {begin_.front(), offset};
  if (static_cast<int64_t>(begin_.size()) != image.frames + 1) {
    Fail(ErrorCode::kInput, "{}: {} fragments and no offset table, expected {} frames", path_,
         begin_.size() - 1, image.frames);
  }
}

void DicomFrames::IndexByTable(const std::vector<int64_t>& table, int64_t first) {
  for (const int64_t offset : table) {
    if (offset < 0 || offset > file_bytes_ - first || (!begin_.empty() && first + offset <= begin_.back())) {
      Fail(ErrorCode::kInput, "{}: frame {} at byte {} of the pixels: the offset table is damaged", path_,
           begin_.size(), offset);
    }
    begin_.push_back(first + offset);
  }
  begin_.push_back(file_bytes_);  // the last frame ends at the delimiter
}

void DicomFrames::Read(std::ifstream& stream, int64_t frame, std::vector<uint8_t>* bytes) const {
  bytes->clear();
  const auto append = [&](int64_t offset, int64_t count) {
    if (count > kMaxTileBytes - static_cast<int64_t>(bytes->size())) {
      Fail(ErrorCode::kUnsupported, "{}: frame {} has more than {} MiB", path_, frame, kMaxTileBytes >> 20);
    }
    const size_t before = bytes->size();
    bytes->resize(before + static_cast<size_t>(count));
    stream.clear();
    stream.seekg(offset);
    stream.read(reinterpret_cast<char*>(bytes->data() + before), count);
    if (!stream) Fail(ErrorCode::kInput, "{}: frame {} cannot be read", path_, frame);
  };
  if (frame_bytes_ > 0) return append(first_ + frame * frame_bytes_, frame_bytes_);
  const int64_t end = begin_[static_cast<size_t>(frame) + 1];
  for (int64_t offset = begin_[static_cast<size_t>(frame)]; offset < end;) {
    const int64_t count = FragmentBytes(stream, offset);
    if (count == kNoFragment) break;
    append(offset + kHeaderBytes, count);
    offset += kHeaderBytes + count;
  }
}

}  // namespace swath
