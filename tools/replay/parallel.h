// SPDX-License-Identifier: Apache-2.0
// Independent jobs over threads.
#pragma once

#include <cstdint>
#include <functional>

namespace mikv::tools {

/// Runs job(0) .. job(count - 1) on up to threads threads; jobs start in order. After an exception
/// no further job starts, and the exception of the lowest job that threw is thrown here.
void parallel_for(std::int64_t count, int threads, const std::function<void(std::int64_t)>& job);

}  // namespace mikv::tools
