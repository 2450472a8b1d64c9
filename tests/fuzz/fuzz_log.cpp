// SPDX-License-Identifier: Apache-2.0
// Any bytes as an engine's log: finite numbers, and an engine where there is any.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tools/plan/log/engine_log.h"

namespace mikv::test {
namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void check_printed(const std::optional<tools::Printed>& printed) {
  if (!printed) return;
  require(std::isfinite(printed->value) && printed->value >= 0);
  require(printed->half_digit >= 0 && printed->half_digit <= 1);
}

}  // namespace
}  // namespace mikv::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mikv::test;
  const auto log =
      mikv::tools::parse_engine_log(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!log) return 0;
  require(!log->engine.empty());
  check_printed(log->available_gib);
  check_printed(log->concurrency);
  check_printed(log->needed_gib);
  check_printed(log->pool_gib);
  for (const mikv::tools::CellsLine& line : log->cells) {
    check_printed(line.mib);
    require(line.cells >= 0 && line.layers >= 0 && line.sequences >= 0);
  }
  return 0;
}
