/// Threads that share out the work of one, where there is more than one thread for each strip.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace swath {

class Team {
 public:
  /// Receives the number of the thread that it runs on, in [0, size).
  using Task = std::function<void(int64_t thread)>;

  /// The calling thread and its helpers, which sleep while there is nothing to do.
  explicit Team(int64_t size);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int64_t size() const { return static_cast<int64_t>(helpers_.size()) + 1; }

  /// Hands out a task, which may begin at once. What it refers to must be there until Wait returns.
  void Add(Task task);
  /// Works, too, until all tasks are done. Throws the first thing that one of them threw.
  void Wait();
  /// After a failure: forgets tasks that have not begun, and waits for the others.
  void Drop();

 private:
  void Help(int64_t thread);
  /// Runs the oldest task; the lock is held before and after.
  void RunOne(int64_t thread, std::unique_lock<std::mutex>* lock);

  std::mutex mutex_;
  std::condition_variable added_, done_;
  std::deque<Task> tasks_;
  int64_t running_ = 0;
  bool stop_ = false;
  std::exception_ptr failure_;
  std::vector<std::jthread> helpers_;
};

/// Runs the task on a team, or here where there is none.
template <class F>
void Share(Team* team, F&& task) {
  if (team) {
    team->Add(std::forward<F>(task));
  } else {
    task(int64_t{0});
  }
}

}  // namespace swath
