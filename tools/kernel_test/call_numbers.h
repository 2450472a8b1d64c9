// SPDX-License-Identifier: Apache-2.0
// What a call of the interface says beside its arrays.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/storage_format.h"
#include "tools/kernel_test/tier_arrays.h"

namespace mikv::kernel_test {

struct CallNumbers {
  double softmax_scale = 1;
  std::map<std::string, StorageFormat> formats;  ///< by tier
  /// One entry a sequence: "prompt", "importance.tokens", ...
  std::map<std::string, std::vector<std::int64_t>> integers;

  void add_tier(const std::string& name, const TierArrays& tier) {
    formats[name] = tier.format();
    integers[name + ".tokens"] = tier.all_tokens();
  }
};

}  // namespace mikv::kernel_test
