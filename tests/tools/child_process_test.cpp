// SPDX-License-Identifier: Apache-2.0
#include "tools/kernel_test/child_process.h"

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <thread>

#include "tests/support/catch.h"
#include "tools/kernel_test/guarded_memory.h"

namespace mikv::test {
namespace {

using namespace std::chrono_literals;
using kernel_test::ChildEnd;
using kernel_test::GuardedMemory;
using kernel_test::run_in_child;

TEST_CASE("what a child writes to shared memory stays, all else is gone") {
  const GuardedMemory memory(sizeof(int));
  auto* shared = reinterpret_cast<int*>(memory.bytes().data());
  *shared = 1;
  int own = 1;
  CHECK(run_in_child([&] { *shared = own = 2; }, 10s).ok());
  CHECK(*shared == 2);
  CHECK(own == 1);
}

TEST_CASE("crashes, exits, exceptions and endless loops of a child are survived and told apart") {
  CHECK(run_in_child([] { std::raise(SIGABRT); }, 10s).number == SIGABRT);
  CHECK(run_in_child([] { std::exit(0); }, 10s).kind == ChildEnd::Kind::exited);
  CHECK_FALSE(run_in_child([] { throw std::runtime_error(""); }, 10s).ok());
  const auto start = std::chrono::steady_clock::now();
  const ChildEnd end = run_in_child(
      [] {
        for (;;) std::this_thread::sleep_for(1s);
      },
      200ms);
  CHECK(end.kind == ChildEnd::Kind::timed_out);
  CHECK(end.text(200ms) == "ran longer than 0.2 s");
  CHECK(std::chrono::steady_clock::now() - start < 5s);
}

TEST_CASE("bytes beyond an area and its surroundings kill who touches them") {
  for (const std::int64_t areas : {1, 3}) {
    const GuardedMemory memory(100, areas, GuardedMemory::kAreaDistance << 20);
    for (std::int64_t i = 0; i < areas; ++i) {
      volatile std::byte* area = memory.base() + i * (GuardedMemory::kAreaDistance << 20);
      CHECK(run_in_child([&] { area[99] = std::byte{1}; }, 10s).ok());
      CHECK(memory.behind(i).size() == 28);
      CHECK(memory.front(i).size() >= GuardedMemory::kFront);
      volatile std::byte* front = memory.front(i).data();
      CHECK(run_in_child([&] { front[0] = std::byte{1}; }, 10s).ok());
      for (volatile std::byte* outside : {area + 128, front - 1}) {
        const ChildEnd end = run_in_child([&] { *outside = std::byte{1}; }, 10s);
        CHECK(end.kind == ChildEnd::Kind::killed);
        CHECK(end.number == SIGSEGV);
      }
    }
  }
}

}  // namespace
}  // namespace mikv::test
