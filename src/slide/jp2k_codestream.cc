#include "slide/jp2k_codestream.h"

#include <map>
#include <string_view>

#include "base/error.h"

namespace swath {
namespace {

constexpr uint64_t kStart = 0xff4f;     // SOC
constexpr uint64_t kSize = 0xff51;      // SIZ
constexpr uint64_t kTilePart = 0xff90;  // SOT
constexpr uint64_t kEnd = 0xffd9;       // EOC
constexpr size_t kMarkerBytes = 2;

class Codestream {
 public:
  Codestream(const std::string& name, std::span<const uint8_t> frame) : name_(name), bytes_(frame) {
    FindInBoxes();
  }

  void Check() {
    size_t at = MainHeader();
    while (Number(at, 2) == kTilePart) at = TilePart(at);
    if (Number(at, 2) != kEnd) NotWhole("expected a tile-part or the end at byte", at);
    for (int64_t tile = 0; tile < tiles_; ++tile) {
      const Parts& parts = parts_[tile];
      if (parts.seen == 0 || (parts.expected != 0 && parts.seen != parts.expected))
        NotWhole("parts are missing of tile", static_cast<uint64_t>(tile));
    }
  }

 private:
  struct Parts {
    uint64_t seen = 0;
    uint64_t expected = 0;  ///< 0: a writer need not say it
  };

  [[noreturn]] void NotWhole(const char* what, uint64_t number) const {
    Fail(ErrorCode::kInput, "{}: the JPEG 2000 is not whole: {} {}", name_, what, number);
  }

  /// Big-endian.
  uint64_t Number(size_t at, size_t count) const {
    if (at > bytes_.size() || count > bytes_.size() - at) NotWhole("it ends at byte", bytes_.size());
    uint64_t value = 0;
    for (const uint8_t byte : bytes_.subspan(at, count)) value = value << 8 | byte;
    return value;
  }

  /// A JP2 file is boxes: bytes, name, contents.
  void FindInBoxes() {
    constexpr uint64_t kName = 0x6a502020, kCodestream = 0x6a703263;  // "jP  ", "jp2c"
    if (bytes_.size() < 8 || Number(4, 4) != kName) return;
    for (size_t at = 0;;) {
      uint64_t size = Number(at, 4), header = 8;
      if (size == 1) size = Number(at + 8, 8), header = 16;
      if (size == 0) size = bytes_.size() - at;  // the last one
      if (size < header || size > bytes_.size() - at) NotWhole("there is no whole box at byte", at);
      if (Number(at + 4, 4) == kCodestream) {
        bytes_ = bytes_.subspan(at + header, size - header);
        return;
      }
      at += size;
    }
  }

  /// Gives the place of the first tile-part.
  size_t MainHeader() {
    if (Number(0, 2) != kStart) NotWhole("expected a codestream at byte", 0);
    size_t at = kMarkerBytes;
    for (uint64_t marker; (marker = Number(at, 2)) != kTilePart; at += kMarkerBytes + Number(at + 2, 2)) {
      if (marker < 0xff00) NotWhole("expected a marker at byte", at);
      if (marker == kSize) tiles_ = Across(at, 6) * Across(at, 10);
    }
    return at;
  }

  /// Tiles along an axis: the image's end and the tiles' size and begin are 4 bytes each, 16 and 24 later.
  int64_t Across(size_t size_marker, size_t axis) const {
    const auto end = static_cast<int64_t>(Number(size_marker + axis, 4)),
               tile = static_cast<int64_t>(Number(size_marker + axis + 16, 4)),
               begin = static_cast<int64_t>(Number(size_marker + axis + 24, 4));
    constexpr int64_t kMostTiles = 65535;
    if (tile == 0 || begin >= end || (end - begin - 1) / tile >= kMostTiles)
      NotWhole("there is no size of the image at byte", size_marker);
    return (end - begin - 1) / tile + 1;
  }

  /// Gives the place of what follows.
  size_t TilePart(size_t at) {
    Parts& parts = parts_[static_cast<int64_t>(Number(at + 4, 2))];
    const uint64_t size = Number(at + 6, 4), expected = Number(at + 11, 1);
    ++parts.seen;
    if (expected != 0) parts.expected = expected;
    const size_t left = bytes_.size() - at;
    if (size == 0) {  // up to the end marker; a frame in DICOM may have a byte more, to be even
      const size_t end = bytes_.size() - kMarkerBytes - (bytes_.back() == 0 ? 1 : 0);
      if (Number(end, kMarkerBytes) != kEnd) NotWhole("there is no end marker at byte", end);
      return end;
    }
    constexpr uint64_t kLeast = 14;  // its own header and the marker of its data
    if (size < kLeast || size > left) NotWhole("there is no whole tile-part at byte", at);
    return at + size;
  }

  const std::string& name_;
  std::span<const uint8_t> bytes_;
  int64_t tiles_ = 0;
  std::map<int64_t, Parts> parts_;
};

}  // namespace

void CheckJp2kIsWhole(const std::string& name, std::span<const uint8_t> frame) {
  Codestream(name, frame).Check();
}

}  // namespace swath
