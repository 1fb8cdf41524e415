/// NumPy's .npy (format 1 to 3): an array of whole numbers as a mask. Rows are read from the file as they lie
/// there.
#include <algorithm>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "slide/format.h"

namespace swath {
namespace {

constexpr size_t kMagicBytes = 6;
constexpr size_t kMostHeaderBytes = size_t{1} << 16;
constexpr int64_t kLongestSide = 2147483647;

// What the type of an item is made of.
constexpr std::string_view kOrders = "<>|=", kKinds = "biu", kItemBytes = "1248";

/// What the header of an array says.
struct Array {
  int64_t height = 0;
  int64_t width = 0;
  int64_t item_bytes = 1;
  bool is_signed = false;
  bool swapped = false;  ///< in the other byte order than the machine's
  int64_t begin = 0;     ///< of the items, in the file
};

std::string ReadHeader(const std::string& path, int64_t* begin) {
  std::ifstream file(path, std::ios::binary);
  uint8_t head[12] = {};
  file.read(reinterpret_cast<char*>(head), sizeof head);
  const bool first = head[kMagicBytes] == 1;  // whose header is not longer than 16 bits can say
  const size_t bytes = first ? head[8] | head[9] << 8
                             : head[8] | head[9] << 8 | head[10] << 16 | static_cast<size_t>(head[11]) << 24;
  const size_t before = first ? 10 : 12;
  if (!file || head[kMagicBytes] < 1 || head[kMagicBytes] > 3 || bytes > kMostHeaderBytes)
    Fail(ErrorCode::kInput, "{}: expected the header of a NumPy array, version 1 to 3, found another", path);
  std::string header(bytes, '\0');
  file.seekg(static_cast<std::streamoff>(before));
  file.read(header.data(), static_cast<std::streamsize>(bytes));
  if (!file) Fail(ErrorCode::kInput, "{}: the file ends in its header", path);
  *begin = static_cast<int64_t>(before + bytes);
  return header;
}

/// What stands behind a key of the header, a dictionary as Python writes it.
std::string_view ValueOf(std::string_view header, std::string_view key) {
  const size_t at = header.find(fmt::format("'{}':", key));
  if (at == std::string_view::npos) return {};
  header.remove_prefix(at + key.size() + 3);
  header.remove_prefix(std::min(header.find_first_not_of(' '), header.size()));
  return header;
}

/// "(31, 53)", "(31, 53, 1)".
bool ParseShape(std::string_view shape, Array* array) {
  if (!shape.starts_with('(') || shape.find(')') == std::string_view::npos) return false;
  std::vector<int64_t> sides;
  const char *at = shape.data() + 1, *end = shape.data() + shape.find(')');
  while (at < end) {
    int64_t side = 0;
    const auto [stop, error] = std::from_chars(at, end, side);
    if (error != std::errc()) return false;
    sides.push_back(side);
    at = stop;
    while (at < end && (*at == ',' || *at == ' ')) ++at;
  }
  if (sides.size() != 2 && !(sides.size() == 3 && sides[2] == 1)) return false;
  array->height = sides[0];
  array->width = sides[1];
  return true;
}

Array Parse(const std::string& path) {
  Array array;
  const std::string header = ReadHeader(path, &array.begin);
  // 'descr': '<u2': byte order, kind and bytes of an item.
  const std::string_view type = ValueOf(header, "descr");
  if (type.size() < 5 || type[0] != '\'' || type[4] != '\'' || kOrders.find(type[1]) == kOrders.npos ||
      kKinds.find(type[2]) == kKinds.npos || kItemBytes.find(type[3]) == kItemBytes.npos)
    Fail(ErrorCode::kUnsupported, "{}: a mask is an array of whole numbers or bool, found {}", path, header);
  if (!ValueOf(header, "fortran_order").starts_with("False"))
    Fail(ErrorCode::kUnsupported, "{}: expected an array in C order, found {}", path, header);
  if (!ParseShape(ValueOf(header, "shape"), &array))
    Fail(ErrorCode::kUnsupported, "{}: a mask is an array of two dimensions, rows and columns, found {}",
         path, header);
  constexpr char kNative = std::endian::native == std::endian::little ? '<' : '>';
  array.item_bytes = type[3] - '0';
  array.is_signed = type[2] == 'i';
  array.swapped = array.item_bytes > 1 && type[1] != '=' && type[1] != kNative;
  if (std::min(array.height, array.width) < 1 || std::max(array.height, array.width) > kLongestSide)
    Fail(ErrorCode::kUnsupported, "{}: a mask is 1 to {} px wide and high, found {} x {}", path, kLongestSide,
         array.width, array.height);
  std::error_code problem;
  const auto bytes = static_cast<int64_t>(std::filesystem::file_size(path, problem));
  // The product of three may not fit: in doubles it is near enough.
  const double needed = static_cast<double>(array.height) * static_cast<double>(array.width) *
                            static_cast<double>(array.item_bytes) +
                        static_cast<double>(array.begin);
  if (problem || static_cast<double>(bytes) < needed)
    Fail(ErrorCode::kInput, "{}: expected {} x {} numbers of {} bytes, found a file of {} bytes", path,
         array.height, array.width, array.item_bytes, bytes);
  return array;
}

class NpyReader final : public BlockReader {
 public:
  NpyReader(std::string path, const Array& array)
      : path_(std::move(path)),
        array_(array),
        file_(path_, std::ios::binary),
        row_(static_cast<size_t>(array.width * array.item_bytes)) {
    if (!file_) Fail(ErrorCode::kInput, "{}: cannot be opened: {}", path_, std::strerror(errno));
  }

  int64_t width() const override { return array_.width; }
  int64_t height() const override { return array_.height; }
  int64_t block_rows() const override { return 1; }
  int64_t buffer_bytes() const override { return static_cast<int64_t>(row_.size()); }

  void Read(int64_t block, Range columns, uint8_t* dst) override {
    const int64_t bytes = columns.size() * array_.item_bytes;
    file_.seekg(array_.begin + (block * array_.width + columns.begin) * array_.item_bytes);
    file_.read(row_.data(), bytes);
    if (!file_) Fail(ErrorCode::kInput, "{}: row {} cannot be read", path_, block);
    for (int64_t x = 0; x < columns.size(); ++x) dst[x] = Label(x, block, columns.begin + x);
  }

  std::unique_ptr<BlockReader> Clone() const override { return std::make_unique<NpyReader>(path_, array_); }

 private:
  uint8_t Label(int64_t index, int64_t y, int64_t x) const {
    const char* item = row_.data() + index * array_.item_bytes;
    uint64_t value = 0;
    for (int64_t i = 0; i < array_.item_bytes; ++i) {  // from the most significant byte down
      const bool last_first = (std::endian::native == std::endian::little) != array_.swapped;
      value = value << 8 | static_cast<uint8_t>(item[last_first ? array_.item_bytes - 1 - i : i]);
    }
    const bool negative = array_.is_signed && (value >> (8 * array_.item_bytes - 1) & 1) != 0;
    if (value > 255 || negative)
      Fail(ErrorCode::kInput, "{}: expected labels from 0 to 255, found another number in row {}, column {}",
           path_, y, x);
    return static_cast<uint8_t>(value);
  }

  std::string path_;
  Array array_;
  std::ifstream file_;
  std::vector<char> row_;
};

class NpyMask final : public SlideFormat {
 public:
  explicit NpyMask(const std::string& path) : array_(Parse(path)) {
    info_.path = path;
    info_.format = "npy";
    info_.decoder = "none";
    info_.grey = true;
    info_.levels = {
        {.width = array_.width, .height = array_.height, .tile_width = array_.width, .tile_height = 1}};
    info_.bounds = {0, 0, array_.width, array_.height};
  }

  std::unique_ptr<BlockReader> OpenLevel(int, Pixels) const override {
    return std::make_unique<NpyReader>(info_.path, array_);
  }
  bool may_have_holes() const override { return false; }

 private:
  Array array_;
};

}  // namespace

std::shared_ptr<const SlideFormat> OpenNpyMask(const std::string& path) {
  return std::make_shared<NpyMask>(path);
}

}  // namespace swath
