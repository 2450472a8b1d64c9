// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sstream>
#include <string>
#include <tuple>

#include "core/divergence.h"

namespace mikv::test {

/// Whether all coordinates but layer, KV head, bits and order are the same.
[[nodiscard]] inline bool same_coordinates(const DivergentValue& a, const DivergentValue& b) {
  const auto coordinates = [](const DivergentValue& v) {
    return std::tuple(v.stage, v.query_head, v.step, v.token, v.part, v.tier, v.chunk, v.slot,
                      v.group, v.channel);
  };
  return coordinates(a) == coordinates(b);
}

/// All of a place, for a failed check.
[[nodiscard]] inline std::string to_text(const DivergentValue& v) {
  std::ostringstream text;
  text << name(v.stage) << ", layer " << v.layer << ", KV head " << v.kv_head << ", query head "
       << v.query_head << ", step " << v.step << ", token " << v.token << ", part '" << v.part
       << "', tier '" << v.tier << "', chunk " << v.chunk << ", slot " << v.slot << ", group "
       << v.group << ", channel " << v.channel << ", order " << v.order;
  return text.str();
}

}  // namespace mikv::test
