// SPDX-License-Identifier: Apache-2.0
#include "core/importance_policy.h"

#include <array>

#include "core/tier_plan.h"

namespace mikv {
namespace {

struct Entry {
  Policy policy;
  std::string_view name;
  const PolicyInfo* info;
};

constexpr std::array kEntries{
#define MIKV_POLICY(name) Entry{Policy::name, #name, &policies::name},
#include "core/policy_list.inc"
#undef MIKV_POLICY
};

constexpr std::array kPolicies{
#define MIKV_POLICY(name) Policy::name,
#include "core/policy_list.inc"
#undef MIKV_POLICY
};

const Entry& entry(Policy policy) {
  return kEntries.at(static_cast<std::size_t>(policy));
}

}  // namespace

std::int64_t ImportancePolicy::recent_tokens(std::int64_t budget, double recent_share) const {
  return recent_budget(budget, recent_share);
}

const PolicyInfo& info(Policy policy) {
  return *entry(policy).info;
}

std::string_view name(Policy policy) {
  return entry(policy).name;
}

std::optional<Policy> policy(std::string_view name) {
  for (const Entry& e : kEntries) {
    if (e.name == name) return e.policy;
  }
  return std::nullopt;
}

std::span<const Policy> policies_in_order() {
  return kPolicies;
}

}  // namespace mikv
