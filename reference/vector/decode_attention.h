// SPDX-License-Identifier: Apache-2.0
// Decode attention of a KV head: a page of storage is read and unpacked once for all of its query
// heads.
#pragma once

#include <optional>
#include <vector>

#include "reference/head_attention.h"
#include "reference/vector/kernels.h"

namespace mikv::reference::vector {

/// reference::attend_heads over tiers without free slots; nullopt if a value is not finite.
[[nodiscard]] std::optional<std::vector<HeadAttention>> try_attend_heads(
    const Kernels& kernels, const AttentionInputs& inputs);

}  // namespace mikv::reference::vector
