#include "base/pending_file.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <utility>

#include "base/error.h"

namespace swath {

/// A place in the list of pending files. The list only grows: places are taken again, never freed, so that a
/// handler can walk it at any moment.
struct PendingFile::Registered {
  /// Null in a free place, kTaken where a handler has taken the name, which it cannot free.
  std::atomic<const char*> name = nullptr;
  Registered* next = nullptr;

  static constexpr char kTaken[] = "";
  static inline std::atomic<Registered*> first = nullptr;
  static_assert(std::atomic<const char*>::is_always_lock_free, "a handler may not wait for a lock");

  static Registered* Add(const std::string& text) {
    auto copy = std::make_unique<char[]>(text.size() + 1);
    std::memcpy(copy.get(), text.c_str(), text.size() + 1);
    for (Registered* place = first.load(); place != nullptr; place = place->next) {
      const char* none = nullptr;
      if (place->name.compare_exchange_strong(none, copy.get())) {
        copy.release();
        return place;
      }
    }
    auto* place = new Registered;
    place->name = copy.release();
    place->next = first.load();
    while (!first.compare_exchange_weak(place->next, place)) {
    }
    return place;
  }

  void Remove() {
    const char* own = name.exchange(nullptr);
    if (own != kTaken) delete[] own;
  }
};

PendingFile::PendingFile(std::string path)
    : path_(std::move(path)), temporary_(fmt::format("{}.partial-{}", path_, getpid())) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path_, ignored)) {
    Fail(ErrorCode::kOutput, "{}: cannot be written: it is a folder", path_);
  }
  registered_ = Registered::Add(temporary_);
}

PendingFile::~PendingFile() {
  if (registered_ == nullptr) return;
  std::remove(temporary_.c_str());
  registered_->Remove();
}

void PendingFile::Commit() {
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) {
    Fail(ErrorCode::kOutput, "{}: cannot be written: {}", path_, std::strerror(errno));
  }
  std::exchange(registered_, nullptr)->Remove();
}

void RemovePendingFiles() {
  for (PendingFile::Registered* place = PendingFile::Registered::first.load(); place != nullptr;
       place = place->next) {
    const char* name = place->name.load();
    if (name == nullptr || name == PendingFile::Registered::kTaken) continue;
    // From here on the name is the handler's: a PendingFile that ends meanwhile leaves the text alone.
    if (place->name.compare_exchange_strong(name, PendingFile::Registered::kTaken)) unlink(name);
  }
}

}  // namespace swath
