/// A result file that appears under its name only when it is complete.
#pragma once

#include <string>

namespace swath {

/// A folder for results, with those above it, unless it is there. Throws Error (kOutput).
void MakeFolder(const std::string& path);

/// Names a temporary file beside `path`. Commit() renames it to `path`; without Commit() the destructor
/// removes it. The owner opens, writes and closes the temporary file itself, and closes it before either
/// happens.
class PendingFile {
 public:
  explicit PendingFile(std::string path);
  ~PendingFile();
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;

  const std::string& path() const { return path_; }
  const std::string& temporary() const { return temporary_; }

  /// Throws Error(kOutput) if the file cannot take its name.
  void Commit();

 private:
  struct Registered;
  friend void RemovePendingFiles();

  std::string path_;
  std::string temporary_;
  Registered* registered_;  ///< for RemovePendingFiles; null once committed
};

/// Removes the temporary files of all pending files, of all threads. For the handler of a signal that ends
/// the process: what is removed here cannot be committed any more. Async-signal-safe.
void RemovePendingFiles();

}  // namespace swath
