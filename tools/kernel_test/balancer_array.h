// SPDX-License-Identifier: Apache-2.0
// The balancer's array of a case: one row a KV head, absent where keys are not balanced.
#pragma once

#include <cstdint>

#include "reference/arith.h"
#include "tools/kernel_test/case_array.h"
#include "tools/kernel_test/case_spec.h"

namespace mikv::kernel_test {

[[nodiscard]] CaseArray make_balancer(const CaseSpec& spec, Writable writable = {});

/// Nothing if the array is absent.
void set_balancer(CaseArray& balancer, std::int64_t sequence, std::int64_t head,
                  const Eigen::Map<const reference::Row>& factors);

/// A row as numbers; empty if the array is absent.
[[nodiscard]] reference::Row balancer_row(const CaseArray& balancer, std::int64_t sequence,
                                          std::int64_t head);

}  // namespace mikv::kernel_test
