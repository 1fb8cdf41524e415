#include "base/pending_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/error.h"

namespace swath {

PendingFile::PendingFile(std::string path)
    : path_(std::move(path)), temporary_(fmt::format("{}.partial-{}", path_, getpid())) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path_, ignored)) {
    Fail(ErrorCode::kOutput, "{}: cannot be written: it is a folder", path_);
  }
}

PendingFile::~PendingFile() {
  if (!committed_) std::remove(temporary_.c_str());
}

void PendingFile::Commit() {
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) {
    Fail(ErrorCode::kOutput, "{}: cannot be written: {}", path_, std::strerror(errno));
  }
  committed_ = true;
}

}  // namespace swath
