#include "output/tile_spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace swath {

TileSpool::TileSpool(const std::string& target) : target_(target) {
  const std::string path = fmt::format("{}.levels-{}", target, getpid());
  file_ = std::fopen(path.c_str(), "w+b");
  if (file_ == nullptr) FailNow("be created");
  std::remove(path.c_str());
}

TileSpool::~TileSpool() { std::fclose(file_); }

TileSpool::Entry TileSpool::Append(const std::vector<uint8_t>& bytes) {
  const Entry entry{.offset = end_, .size = static_cast<int64_t>(bytes.size())};
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) FailNow("grow");
  end_ += entry.size;
  return entry;
}

std::vector<uint8_t> TileSpool::Read(const Entry& entry) {
  std::vector<uint8_t> bytes(entry.size);
  if (fseeko(file_, entry.offset, SEEK_SET) != 0) FailNow("be read back");
  if (std::fread(bytes.data(), 1, bytes.size(), file_) != bytes.size()) FailNow("be read back");
  return bytes;
}

void TileSpool::FailNow(const char* what) const {
  Fail(ErrorCode::kOutput, "{}: the temporary file for its lower levels cannot {}: {}", target_, what,
       std::strerror(errno));
}

}  // namespace swath
