// SPDX-License-Identifier: Apache-2.0
#include "tools/kernel_test/balancer_array.h"

#include <span>
#include <utility>
#include <vector>

#include "tools/kernel_test/tier_arrays.h"

namespace mikv::kernel_test {

CaseArray make_balancer(const CaseSpec& spec, Writable writable) {
  return {"balancer", "F32", kv_rows(spec, spec.balancer ? float_row(spec) : 0), spec.layout,
          std::move(writable)};
}

void set_balancer(CaseArray& balancer, std::int64_t sequence, std::int64_t head,
                  const Eigen::Map<const reference::Row>& factors) {
  if (!balancer.present()) return;
  const std::span values(factors.data(), static_cast<std::size_t>(factors.size()));
  balancer.set(sequence, head, 0, std::as_bytes(values));
}

reference::Row balancer_row(const CaseArray& balancer, std::int64_t sequence, std::int64_t head) {
  if (!balancer.present()) return {};
  const std::vector<float> values = balancer.values<float>(sequence, head, 0);
  return Eigen::Map<const reference::Row>(values.data(), static_cast<Eigen::Index>(values.size()));
}

}  // namespace mikv::kernel_test
