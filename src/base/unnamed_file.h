/// A temporary file without a name.
#pragma once

#include <cstdint>
#include <string>

namespace swath {

/// Bytes put aside on disk. The file has no name in the file system once open, so that nothing is left
/// behind, whatever happens. Reads and writes may come from several threads, of different bytes.
class UnnamedFile {
 public:
  /// Created in the folder of `path`; for a moment its name is `path` and six letters. Errors (kOutput) begin
  /// with `subject`: "a.tif: the temporary file for its lower levels" is said to be unable to grow.
  UnnamedFile(const std::string& path, std::string subject);
  /// Beside nothing, in $TMPDIR or else /tmp: for `bytes` of the `what` of a slide called `name`.
  UnnamedFile(const std::string& name, const std::string& what, int64_t bytes);
  ~UnnamedFile();
  UnnamedFile(const UnnamedFile&) = delete;
  UnnamedFile& operator=(const UnnamedFile&) = delete;

  void Write(int64_t offset, const uint8_t* bytes, int64_t size);
  /// Of bytes that were written.
  void Read(int64_t offset, uint8_t* bytes, int64_t size) const;

 private:
  [[noreturn]] void FailNow(const char* what, int error) const;

  std::string subject_;
  int file_;
};

}  // namespace swath
