#include "viewer/tile_cache.h"

namespace swath::viewer {

Bytes TileCache::Find(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = index_.find(key);
  if (found == index_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->second;
}

void TileCache::Keep(const std::string& key, Bytes bytes) {
  const std::lock_guard lock(mutex_);
  if (index_.contains(key)) return;  // another thread was as quick
  held_ += static_cast<int64_t>(bytes->size());
  entries_.emplace_front(key, std::move(bytes));
  index_[key] = entries_.begin();
  while (held_ > limit_) {
    held_ -= static_cast<int64_t>(entries_.back().second->size());
    index_.erase(entries_.back().first);
    entries_.pop_back();
  }
}

}  // namespace swath::viewer
