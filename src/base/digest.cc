#include "base/digest.h"

#include <nettle/sha2.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "base/error.h"

namespace swath {
namespace {

namespace fs = std::filesystem;

class Sha256Sum {
 public:
  Sha256Sum() { sha256_init(&context_); }
  void Add(const char* bytes, size_t size) {
    sha256_update(&context_, size, reinterpret_cast<const uint8_t*>(bytes));
  }
  std::string Hex() {
    std::array<uint8_t, SHA256_DIGEST_SIZE> digest;
    sha256_digest(&context_, digest.size(), digest.data());
    std::string text;
    for (const uint8_t byte : digest) text += fmt::format("{:02x}", byte);
    return text;
  }

 private:
  sha256_ctx context_;
};

/// The regular files that a path stands for, sorted.
std::vector<fs::path> FilesOf(const fs::path& path) {
  std::error_code error;
  std::vector<fs::path> files;
  fs::path folder = path;
  if (!fs::is_directory(path, error)) {
    files.push_back(path);
    if (path.extension() != ".mrxs") return files;
    folder.replace_extension();
    if (!fs::is_directory(folder, error)) return files;
  }
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    if (it->is_regular_file(error)) files.push_back(it->path());
  if (error) Fail(ErrorCode::kInput, "{}: cannot be read: {}", folder.string(), error.message());
  std::sort(files.begin(), files.end());
  return files;
}

void AddFacts(const fs::path& file, FileDigest* digest) {
  struct stat facts = {};
  if (stat(file.c_str(), &facts) != 0)
    Fail(ErrorCode::kInput, "{}: cannot be read: {}", file.string(), std::strerror(errno));
  digest->bytes += facts.st_size;
  digest->modified = std::max<int64_t>(digest->modified, facts.st_mtim.tv_sec);
}

}  // namespace

std::string Sha256(const std::string& bytes) {
  Sha256Sum sum;
  sum.Add(bytes.data(), bytes.size());
  return sum.Hex();
}

FileDigest FileFacts(const std::string& path) {
  const std::vector<fs::path> files = FilesOf(path);
  FileDigest digest{.files = static_cast<int64_t>(files.size())};
  for (const fs::path& file : files) AddFacts(file, &digest);
  return digest;
}

FileDigest DigestFile(const std::string& path, const std::function<void(int64_t bytes)>& progress) {
  FileDigest digest = FileFacts(path);
  std::vector<char> buffer(1 << 20);
  int64_t done = 0;
  std::string lines;
  for (const fs::path& file : FilesOf(path)) {
    Sha256Sum sum;
    std::ifstream stream(file, std::ios::binary);
    while (stream) {
      stream.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
      sum.Add(buffer.data(), static_cast<size_t>(stream.gcount()));
      done += stream.gcount();
      if (progress) progress(done);
    }
    if (!stream.eof()) Fail(ErrorCode::kInput, "{}: cannot be read", file.string());
    digest.sha256 = sum.Hex();
    lines += digest.sha256 + "  " + file.lexically_relative(fs::path(path).parent_path()).string() + "\n";
  }
  if (digest.files != 1) digest.sha256 = Sha256(lines);
  return digest;
}

}  // namespace swath
