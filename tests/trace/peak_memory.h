// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

namespace mikv::test {

/// How much the process's resident memory has risen above its level at construction, at most.
class PeakMemory {
 public:
  PeakMemory();
  /// nullopt where the kernel does not let a process reset its high-water mark.
  [[nodiscard]] std::optional<std::int64_t> growth_bytes() const;

 private:
  bool reset_ = false;
  std::int64_t start_ = 0;
};

}  // namespace mikv::test
