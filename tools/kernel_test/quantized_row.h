// SPDX-License-Identifier: Apache-2.0
// Rows that a kernel quantized: are they right, and if not, which known fault explains them?
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/page_layout.h"
#include "reference/arith.h"
#include "tools/kernel_test/verdict.h"

namespace mikv::kernel_test {

/// A key or value, and what the kernel stored for it.
struct QuantizedRow {
  std::string where;
  bool is_key = false;
  reference::Row plain;     ///< what is quantized, before the balancer
  reference::Row balancer;  ///< of its KV head, for keys; empty: none
  int bits = 0;
  std::vector<std::byte> codes;
  std::vector<GroupParams> groups;
  bool untouched = false;  ///< the kernel wrote neither codes nor groups
};

/// Collects rows of one call.
class QuantizedRows {
 public:
  void add(QuantizedRow row) { rows_.push_back(std::move(row)); }

  /// bounded: alpha and beta within one unit of fp16; codes those of the stored alpha and beta, or
  /// the neighbour where the value lies within 1/128 of a tie. Otherwise: equal to the reference.
  void judge(const Rule& rule, Verdict& verdict) const;

 private:
  std::vector<QuantizedRow> rows_;
};

}  // namespace mikv::kernel_test
