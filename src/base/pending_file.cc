#include "base/pending_file.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <thread>
#include <utility>

#include "base/error.h"

namespace swath {

void MakeFolder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) Fail(ErrorCode::kOutput, "{}: cannot be created: {}", path, error.message());
}

/// A place in the list of pending files. The list only grows: places are taken again, never freed, so that a
/// handler can walk it at any moment.
struct PendingFile::Registered {
  /// The owner's own text; null in a free place; kBusy while a handler uses the text, kDone after that.
  std::atomic<const char*> name = nullptr;
  Registered* next = nullptr;

  static constexpr char kBusy[] = "busy", kDone[] = "done";
  static inline std::atomic<Registered*> first = nullptr;
  static_assert(std::atomic<const char*>::is_always_lock_free, "a handler may not wait for a lock");

  static Registered* Add(const char* text) {
    for (Registered* place = first.load(); place != nullptr; place = place->next) {
      const char* none = nullptr;
      if (place->name.compare_exchange_strong(none, text)) return place;
    }
    auto* place = new Registered;
    place->name = text;
    place->next = first.load();
    while (!first.compare_exchange_weak(place->next, place)) {
    }
    return place;
  }

  /// Afterwards nobody looks at the text any more.
  void Remove(const char* text) {
    if (name.compare_exchange_strong(text, nullptr)) return;
    while (name.load() != kDone) std::this_thread::yield();
    name = nullptr;
  }
};

PendingFile::PendingFile(std::string path)
    : path_(std::move(path)), temporary_(fmt::format("{}.partial-{}", path_, getpid())) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path_, ignored)) {
    Fail(ErrorCode::kOutput, "{}: cannot be written: it is a folder", path_);
  }
  registered_ = Registered::Add(temporary_.c_str());
}

PendingFile::~PendingFile() {
  if (registered_ == nullptr) return;
  std::remove(temporary_.c_str());
  registered_->Remove(temporary_.c_str());
}

void PendingFile::Commit() {
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) {
    Fail(ErrorCode::kOutput, "{}: cannot be written: {}", path_, std::strerror(errno));
  }
  std::exchange(registered_, nullptr)->Remove(temporary_.c_str());
}

void RemovePendingFiles() {
  for (PendingFile::Registered* place = PendingFile::Registered::first.load(); place != nullptr;
       place = place->next) {
    const char* name = place->name.load();
    if (name == nullptr || name == PendingFile::Registered::kBusy || name == PendingFile::Registered::kDone)
      continue;
    // From here on the owner waits with its text.
    if (!place->name.compare_exchange_strong(name, PendingFile::Registered::kBusy)) continue;
    unlink(name);
    place->name = PendingFile::Registered::kDone;
  }
}

}  // namespace swath
