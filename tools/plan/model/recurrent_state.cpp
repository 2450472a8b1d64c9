// SPDX-License-Identifier: Apache-2.0
#include "tools/plan/model/recurrent_state.h"

namespace mikv::tools {
namespace {

// The product, or so much that no model has it: three sizes may not fit 64 bits in bytes.
std::int64_t product(std::int64_t a, std::int64_t b, std::int64_t c) {
  constexpr double kMost = 0x1p40;
  const double value = static_cast<double>(a) * static_cast<double>(b) * static_cast<double>(c);
  return value < kMost ? a * b * c : static_cast<std::int64_t>(kMost);
}

// Heads of value_dim columns, one row a key channel; the convolution runs over q, k and v.
RecurrentState gated_delta_rule(const ConfigObject& config) {
  const std::int64_t value_heads = config.required_size("linear_num_value_heads");
  const std::int64_t key_heads = config.required_size("linear_num_key_heads");
  const std::int64_t value_dim = config.required_size("linear_value_head_dim");
  const std::int64_t key_dim = config.required_size("linear_key_head_dim");
  const std::int64_t kernel = config.required_size("linear_conv_kernel_dim");
  return {.state = product(value_heads, key_dim, value_dim),
          .convolution = product(2 * key_heads * key_dim + value_heads * value_dim, kernel - 1, 1)};
}

RecurrentState kimi_delta_attention(const ConfigObject& config) {
  const std::int64_t heads = config.required_size("num_heads");
  const std::int64_t head_dim = config.required_size("head_dim");
  const std::int64_t kernel = config.required_size("short_conv_kernel_size");
  return {.state = product(heads, head_dim, head_dim),
          .convolution = product(3 * heads, head_dim, kernel - 1)};
}

RecurrentState mamba2(const ConfigObject& config) {
  const std::int64_t channels =
      config.required_size("mamba_num_heads") * config.required_size("mamba_head_dim");
  const std::int64_t state = config.required_size("ssm_state_size");
  const std::int64_t groups = config.required_size("n_groups");
  const std::int64_t kernel = config.required_size("conv_kernel");
  return {.state = product(channels, state, 1),
          .convolution = product(channels + 2 * groups * state, kernel - 1, 1)};
}

}  // namespace

RecurrentState recurrent_state(const ConfigObject& config) {
  if (const auto linear = config.object("linear_attn_config")) return kimi_delta_attention(*linear);
  if (config.has("linear_num_value_heads")) return gated_delta_rule(config);
  return mamba2(config);
}

}  // namespace mikv::tools
