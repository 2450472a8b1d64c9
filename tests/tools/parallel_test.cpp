// SPDX-License-Identifier: Apache-2.0
#include "tools/replay/parallel.h"

#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace mikv::test {
namespace {

TEST_CASE("every job runs once, for any number of threads") {
  for (const int threads : {1, 2, 7, 100}) {
    std::vector<std::atomic<int>> runs(50);
    tools::parallel_for(50, threads, [&](std::int64_t i) { ++runs[static_cast<std::size_t>(i)]; });
    for (const auto& count : runs) REQUIRE(count == 1);
  }
  tools::parallel_for(0, 4, [](std::int64_t) { throw std::runtime_error("no job"); });
}

TEST_CASE("an exception reaches the caller and stops further jobs") {
  std::atomic<int> started = 0;
  const auto run = [&](int threads, std::int64_t first_failing) {
    started = 0;
    tools::parallel_for(1000, threads, [&](std::int64_t i) {
      ++started;
      if (i >= first_failing) throw std::runtime_error("job " + std::to_string(i));
    });
  };
  CHECK_THROWS_WITH(run(1, 3), "job 3");
  CHECK(started == 4);
  CHECK_THROWS_WITH(run(4, 0), "job 0");
  CHECK(started <= 4);  // a thread takes no job after one that failed
  CHECK_THROWS_WITH(run(4, 3), "job 3");
}

}  // namespace
}  // namespace mikv::test
