// SPDX-License-Identifier: Apache-2.0
// Floating-point results against what they should be, value by value.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "tools/kernel_test/verdict.h"

namespace mikv::kernel_test {

/// Counts values that are wrong and remembers the first and the worst.
class NumberCheck {
 public:
  /// Rows of results by name, for messages: "sequence 0, query head 5".
  explicit NumberCheck(std::string stage) : stage_(std::move(stage)) {}

  /// Each result may be off by bound. unwritten: the row still has its bits of before.
  void check_bounded(const std::string& row, std::span<const float> results,
                     std::span<const double> exact, double bound, bool unwritten);
  /// Each result may be off by some units in the last place.
  void check_ulp(const std::string& row, std::span<const float> results,
                 std::span<const float> expected, std::int64_t ulp, bool unwritten);

  void check_equal(const std::string& row, std::uint64_t result, std::uint64_t expected);

  [[nodiscard]] bool ok() const { return wrong_ == 0; }
  /// failed if anything is wrong.
  void add_to(Verdict& verdict) const;

 private:
  void note(const std::string& row, std::size_t channel, float result, double exact,
            const std::string& allowed, bool unwritten);

  std::string stage_;
  std::string first_;
  bool first_unwritten_ = false;
  std::int64_t compared_ = 0;
  std::int64_t wrong_ = 0;
  double worst_error_ = 0;
  double worst_bound_ = 0;
};

}  // namespace mikv::kernel_test
