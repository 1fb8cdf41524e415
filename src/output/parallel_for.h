/// A loop over independent items, shared out among a few threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace swath {

/// Calls body(worker, i) once for every i in [0, count), worker in [0, threads); items are handed out one by
/// one. With one thread nothing is spawned and the order is ascending. The first exception is thrown again
/// here, after every worker has stopped.
template <class Body>
void ParallelFor(int threads, int64_t count, const Body& body) {
  const int workers = static_cast<int>(std::clamp<int64_t>(threads, 1, std::max<int64_t>(count, 1)));
  std::atomic<int64_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto work = [&](int worker) {
    try {
      for (int64_t i = next++; i < count; i = next++) body(worker, i);
    } catch (...) {
      next = count;
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (int worker = 1; worker < workers; ++worker) helpers.emplace_back(work, worker);
    work(0);
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace swath
