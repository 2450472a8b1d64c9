// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace mikv::tools {

/// What a setting costs.
struct TradeOff {
  std::int64_t bytes = 0;
  std::optional<double> error;  ///< none: undefined, on no front
};

/// For each point whether no other has fewer bytes without more error, or less error without more
/// bytes.
[[nodiscard]] std::vector<bool> pareto_front(const std::vector<TradeOff>& points);

}  // namespace mikv::tools
