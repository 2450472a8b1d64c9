// SPDX-License-Identifier: Apache-2.0
// Which tiers keep their codes in the order of the integer tensor core.
#pragma once

namespace mikv::cuda {

/// Whether attend_interleaved() has a kernel for rows of this shape; other tiers are packed as
/// FORMAT says.
[[nodiscard]] constexpr bool can_interleave(int head_dim, int group_size, int bits) {
  const bool two_groups = 2 * group_size == head_dim;
  const bool has_kernel = head_dim == 64 || head_dim == 128;
  return two_groups && has_kernel && (bits == 2 || bits == 4 || bits == 8);
}

}  // namespace mikv::cuda
