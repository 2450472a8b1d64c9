// SPDX-License-Identifier: Apache-2.0
#include "tools/replay/parallel.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace mikv::tools {
namespace {

class Jobs {
 public:
  Jobs(std::int64_t count, const std::function<void(std::int64_t)>& job)
      : count_(count), job_(job) {}

  void work() {
    for (std::int64_t i = take(); i < count_; i = take()) {
      try {
        job_(i);
      } catch (...) {
        fail(i);
      }
    }
  }

  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::int64_t take() {
    const std::lock_guard lock(mutex_);
    return error_ ? count_ : next_++;
  }

  void fail(std::int64_t i) {
    const std::lock_guard lock(mutex_);
    if (i >= first_failed_) return;
    first_failed_ = i;
    error_ = std::current_exception();
  }

  std::int64_t count_;
  const std::function<void(std::int64_t)>& job_;
  std::mutex mutex_;
  std::int64_t next_ = 0;
  std::int64_t first_failed_ = INT64_MAX;
  std::exception_ptr error_;
};

}  // namespace

void parallel_for(std::int64_t count, int threads, const std::function<void(std::int64_t)>& job) {
  Jobs jobs(count, job);
  {
    std::vector<std::jthread> helpers;
    for (std::int64_t i = 1; i < std::min<std::int64_t>(threads, count); ++i) {
      helpers.emplace_back([&jobs] { jobs.work(); });
    }
    jobs.work();
  }
  jobs.rethrow();
}

}  // namespace mikv::tools
