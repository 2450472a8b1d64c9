// SPDX-License-Identifier: Apache-2.0
// What the engines' files share.
#pragma once

#include <compare>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "tools/plan/engines/engine.h"

namespace mikv::tools {

[[nodiscard]] constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}
[[nodiscard]] constexpr std::int64_t round_up(std::int64_t a, std::int64_t b) {
  return ceil_div(a, b) * b;
}

/// Tokens that a layer needs of a context: a window's or a chunk's at most.
[[nodiscard]] std::int64_t needed_tokens(const LayerShape& shape, std::int64_t context);

/// One token of a layer in its dense format, indexer included.
[[nodiscard]] std::int64_t dense_token_bytes(const StoredLayer& layer);

/// A layer in its dense format that needs some tokens and has room for others too.
[[nodiscard]] PlanBytes dense_bytes(const StoredLayer& layer, std::int64_t needed,
                                    std::int64_t room);

/// A recurrent layer's state of one sequence, its convolution in the model's own type.
[[nodiscard]] PlanBytes state_bytes(const StoredLayer& layer);

/// memory * share - weights / tp - other.
[[nodiscard]] std::int64_t share_less_weights(const GpuBudget& budget, double share,
                                              std::int64_t tensor_parallel);

/// Throws UsageError if a layer is kept in another format.
void require_formats(std::string_view engine, const std::vector<StoredLayer>& layers,
                     std::initializer_list<DenseFormat> formats);

/// A release by its first two numbers: "0.10.2" is {0, 10}.
struct Release {
  std::int64_t major = 0;
  std::int64_t minor = 0;
  auto operator<=>(const Release&) const = default;
};

/// Reads "0.10", "v0.10.2" or "1.2.0rc3". Throws UsageError for other text.
[[nodiscard]] Release parse_release(const std::string& version);

/// Throws UsageError for a release that is not one of those whose rules are known.
void require_release(std::string_view engine, const std::string& version, const Release& oldest,
                     const Release& newest);

/// A number as a setting shows it: 0.92, not 0.920000.
[[nodiscard]] std::string setting_text(double value);

}  // namespace mikv::tools
