/// A libtiff handle whose errors become swath::Error.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

struct tiff;  // libtiff's TIFF

namespace swath {

/// One open handle, for one thread. The file is read, never mapped into memory.
class TiffFile {
 public:
  /// Throws Error (kInput) if libtiff finds no first page.
  explicit TiffFile(const std::string& path);
  ~TiffFile();
  TiffFile(const TiffFile&) = delete;
  TiffFile& operator=(const TiffFile&) = delete;

  tiff* handle() const { return handle_; }
  const std::string& path() const { return path_; }

  /// Makes the page (IFD) at this byte offset the current one.
  void GoTo(uint64_t page_offset);

  /// Goes to the page after the current one; false if there is none. Throws Error if there is one but it is
  /// damaged.
  bool GoToNext();

  /// Reads one tile or strip into dst, exactly `bytes` of it.
  void ReadTile(uint32_t index, uint8_t* dst, int64_t bytes);
  /// Reads a tile as it is stored.
  void ReadStoredTile(uint32_t index, std::vector<uint8_t>* stored);
  void ReadStrip(uint32_t index, uint8_t* dst, int64_t bytes);

  /// Throws if libtiff found a tag damaged that the pixels of the current page need.
  void CheckTags() const;

  /// The description of the current page; empty if it has none.
  std::string Description() const;

  /// The file's length in bytes.
  int64_t size() const;

  /// Throws Error (kInput): the path, `what`, and what libtiff said of it.
  [[noreturn]] void Fail(const std::string& what) const;

  /// What libtiff reports; its handlers write here.
  struct Report {
    std::string error;         ///< the first error since the last call
    std::string data_warning;  ///< a warning that means lost pixels
    std::string tag_warning;   ///< a warning about a tag of the current page that its pixels need
  };

 private:
  void Finish(int64_t read, int64_t bytes, const char* unit, uint32_t index) const;

  std::string path_;
  Report report_;
  tiff* handle_ = nullptr;
};

}  // namespace swath
