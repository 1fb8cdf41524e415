/// Readers of a level that are used again: opening a file anew costs more than a tile.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "slide/format.h"

namespace swath::viewer {

class ReaderPool {
 public:
  explicit ReaderPool(std::unique_ptr<BlockReader> first) : first_(std::move(first)) {}

  /// For one thread at a time; comes back by itself. The pool must outlive it.
  std::unique_ptr<BlockReader> Lend();

 private:
  class Lent;

  std::unique_ptr<BlockReader> Take();
  void TakeBack(std::unique_ptr<BlockReader> reader);

  const std::unique_ptr<BlockReader> first_;  ///< others are clones of it; it reads nothing itself
  std::mutex mutex_;
  std::vector<std::unique_ptr<BlockReader>> idle_;
};

}  // namespace swath::viewer
