#include "output/tile_spool.h"

#include <fmt/format.h>

namespace swath {

TileSpool::TileSpool(const std::string& target)
    : file_(target + ".levels-", fmt::format("{}: the temporary file for its lower levels", target)) {}

TileSpool::Entry TileSpool::Append(const std::vector<uint8_t>& bytes) {
  const Entry entry{.offset = end_, .size = static_cast<int64_t>(bytes.size())};
  file_.Write(entry.offset, bytes.data(), entry.size);
  end_ += entry.size;
  return entry;
}

std::vector<uint8_t> TileSpool::Read(const Entry& entry) const {
  std::vector<uint8_t> bytes(static_cast<size_t>(entry.size));
  file_.Read(entry.offset, bytes.data(), entry.size);
  return bytes;
}

}  // namespace swath
