#include "base/unnamed_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace swath {
namespace {

std::string TemporaryFolder() {
  const char* folder = std::getenv("TMPDIR");
  return folder != nullptr && *folder != '\0' ? folder : "/tmp";
}

}  // namespace

UnnamedFile::UnnamedFile(const std::string& path, std::string subject) : subject_(std::move(subject)) {
  std::string name = path + "XXXXXX";
  file_ = mkostemp(name.data(), O_CLOEXEC);
  if (file_ < 0) FailNow("be created", errno);
  unlink(name.c_str());
}

UnnamedFile::UnnamedFile(const std::string& name, const std::string& what, int64_t bytes)
    : UnnamedFile(TemporaryFolder() + "/swath-",
                  fmt::format("{}: the temporary file in {} for its {}, {} MiB,", name, TemporaryFolder(),
                              what, bytes >> 20)) {}

UnnamedFile::~UnnamedFile() { close(file_); }

void UnnamedFile::Write(int64_t offset, const uint8_t* bytes, int64_t size) {
  while (size > 0) {
    const ssize_t done = pwrite(file_, bytes, static_cast<size_t>(size), offset);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) FailNow("grow", done < 0 ? errno : ENOSPC);
    offset += done;
    bytes += done;
    size -= done;
  }
}

void UnnamedFile::Read(int64_t offset, uint8_t* bytes, int64_t size) const {
  while (size > 0) {
    const ssize_t done = pread(file_, bytes, static_cast<size_t>(size), offset);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) FailNow("be read back", done < 0 ? errno : EIO);
    offset += done;
    bytes += done;
    size -= done;
  }
}

void UnnamedFile::FailNow(const char* what, int error) const {
  Fail(ErrorCode::kOutput, "{} cannot {}: {}", subject_, what, std::strerror(error));
}

}  // namespace swath
