// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/shape.h"
#include "tests/benchmark/sizes.h"

namespace mikv::bench {

/// A layer as 'mikv trace synth' makes it, in fp16: a prompt of sizes.tokens, then
/// sizes.decode_steps tokens. Made when first asked for; lives to the end.
[[nodiscard]] const LayerView& synthetic_layer(const AttentionShape& shape, const Sizes& sizes);

}  // namespace mikv::bench
