/// What has been made for a page, so that it is not made again.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace swath::viewer {

using Bytes = std::shared_ptr<const std::vector<uint8_t>>;

/// Keeps what was used last, up to so many bytes. Any thread may call any method at any time.
class TileCache {
 public:
  explicit TileCache(int64_t bytes) : limit_(bytes) {}

  /// Null if it is not there.
  Bytes Find(const std::string& key);
  void Keep(const std::string& key, Bytes bytes);

 private:
  using Entry = std::pair<std::string, Bytes>;

  int64_t limit_;
  std::mutex mutex_;
  int64_t held_ = 0;
  std::list<Entry> entries_;  ///< the one used last first
  std::unordered_map<std::string, std::list<Entry>::iterator> index_;
};

}  // namespace swath::viewer
