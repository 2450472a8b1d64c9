// SPDX-License-Identifier: Apache-2.0
#include "tools/kernel_test/number_check.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace mikv::kernel_test {
namespace {

// Neighbouring floats have neighbouring numbers; -0 and +0 have the same.
std::int64_t float_number(float x) {
  const auto bits = std::bit_cast<std::int32_t>(x);
  return bits >= 0 ? bits : std::int64_t{std::numeric_limits<std::int32_t>::min()} - bits;
}

}  // namespace

void NumberCheck::note(const std::string& row, std::size_t channel, float result, double exact,
                       const std::string& allowed, bool unwritten) {
  ++wrong_;
  if (!first_.empty()) return;
  first_unwritten_ = unwritten;
  first_ = fmt::format("{}, {} [{}]: ", row, stage_, channel);
  first_ += unwritten ? fmt::format("was not written; {:.6g} is right", exact)
                      : fmt::format("{:.6g} instead of {:.6g}, {}", result, exact, allowed);
}

void NumberCheck::check_bounded(const std::string& row, std::span<const float> results,
                                std::span<const double> exact, double bound, bool unwritten) {
  for (std::size_t i = 0; i < exact.size(); ++i) {
    ++compared_;
    const double error = std::fabs(static_cast<double>(results[i]) - exact[i]);
    if (error > worst_error_ || std::isnan(error)) {
      worst_error_ = error;
      worst_bound_ = bound;
    }
    if (!(error <= bound)) {
      note(row, i, results[i], exact[i], fmt::format("{:.2g} apart, {:.2g} allowed", error, bound),
           unwritten);
    }
  }
}

void NumberCheck::check_ulp(const std::string& row, std::span<const float> results,
                            std::span<const float> expected, std::int64_t ulp, bool unwritten) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ++compared_;
    const bool comparable = std::isfinite(results[i]) && std::isfinite(expected[i]);
    const std::int64_t distance = std::abs(float_number(results[i]) - float_number(expected[i]));
    const bool equal_bits =
        std::bit_cast<std::uint32_t>(results[i]) == std::bit_cast<std::uint32_t>(expected[i]);
    if (equal_bits || (ulp > 0 && comparable && distance <= ulp)) continue;
    note(row, i, results[i], static_cast<double>(expected[i]),
         comparable ? fmt::format("{} ULP apart, {} allowed", distance, ulp) : "not finite",
         unwritten);
  }
}

void NumberCheck::check_equal(const std::string& row, std::uint64_t result,
                              std::uint64_t expected) {
  ++compared_;
  if (result == expected) return;
  ++wrong_;
  if (first_.empty())
    first_ = fmt::format("{}, {}: {} instead of {}", row, stage_, result, expected);
}

void NumberCheck::add_to(Verdict& verdict) const {
  verdict.compared += compared_;
  verdict.wrong += wrong_;
  if (worst_bound_ > 0) {
    verdict.error = worst_error_;
    verdict.bound = worst_bound_;
  }
  if (wrong_ == 0 || verdict.status == Status::failed) return;
  verdict.status = Status::failed;
  verdict.stage = stage_;
  if (first_unwritten_) verdict.diagnosis = "unwritten";
  verdict.message = fmt::format("{}; {} of {} values are wrong", first_, wrong_, compared_);
}

}  // namespace mikv::kernel_test
