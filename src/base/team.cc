#include "base/team.h"

#include <utility>

namespace swath {

Team::Team(int64_t size) {
  for (int64_t thread = 1; thread < size; ++thread) helpers_.emplace_back([this, thread] { Help(thread); });
}

Team::~Team() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  added_.notify_all();
}

void Team::Add(Task task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  added_.notify_one();
}

void Team::RunOne(int64_t thread, std::unique_lock<std::mutex>* lock) {
  const Task task = std::move(tasks_.front());
  tasks_.pop_front();
  ++running_;
  lock->unlock();
  std::exception_ptr failure;
  try {
    task(thread);
  } catch (...) {
    failure = std::current_exception();
  }
  lock->lock();
  if (failure && !failure_) failure_ = failure;
  if (--running_ == 0 && tasks_.empty()) done_.notify_all();
}

void Team::Help(int64_t thread) {
  std::unique_lock lock(mutex_);
  while (true) {
    added_.wait(lock, [this] { return stop_ || !tasks_.empty(); });
    if (stop_) return;
    RunOne(thread, &lock);
  }
}

void Team::Wait() {
  std::unique_lock lock(mutex_);
  while (!tasks_.empty()) RunOne(0, &lock);
  done_.wait(lock, [this] { return running_ == 0; });
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void Team::Drop() {
  std::unique_lock lock(mutex_);
  tasks_.clear();
  done_.wait(lock, [this] { return running_ == 0; });
  failure_ = nullptr;
}

}  // namespace swath
