// SPDX-License-Identifier: Apache-2.0
// The patterns of recorded values.
#pragma once

#include <cstdint>

#include "tools/kernel_test/case_spec.h"

namespace mikv::kernel_test {

/// Elements of one sequence by place; the same on every machine. Values before rounding to the
/// element type.
class RecordedValues {
 public:
  RecordedValues(const CaseSpec& spec, std::int64_t sequence, std::int64_t tokens);

  [[nodiscard]] double query(std::int64_t head, std::int64_t token, std::int64_t channel) const;
  [[nodiscard]] double key(std::int64_t head, std::int64_t token, std::int64_t channel) const;
  [[nodiscard]] double value(std::int64_t head, std::int64_t token, std::int64_t channel) const;

 private:
  enum class Tensor : std::uint8_t { q, k, v };
  [[nodiscard]] std::uint64_t word(Tensor tensor, std::int64_t head, std::int64_t token,
                                   std::int64_t channel) const;
  [[nodiscard]] double normal(Tensor tensor, std::int64_t head, std::int64_t token,
                              std::int64_t channel) const;
  [[nodiscard]] double row_factor(Tensor tensor, std::int64_t head, std::int64_t token,
                                  std::int64_t channel) const;
  [[nodiscard]] double large(Tensor tensor, std::int64_t head, std::int64_t token,
                             std::int64_t channel) const;
  [[nodiscard]] double tie(Tensor tensor, std::int64_t head, std::int64_t token,
                           std::int64_t channel) const;
  [[nodiscard]] bool is_constant(std::int64_t token, std::int64_t channel) const;

  CaseSpec spec_;
  std::int64_t sequence_;
  std::int64_t tokens_;
};

}  // namespace mikv::kernel_test
