// SPDX-License-Identifier: Apache-2.0
// Attention over unquantized storage: fp32 in a fixed order (CONTRACT R16).
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cuda/batch.h"
#include "cuda/split.h"

namespace mikv::cuda {

/// Query heads that a block takes.
[[nodiscard]] int unquantized_heads(const Batch& batch);

/// The importance tier's nodes, partials and logits. max_tokens: of the tier, over the
/// sequences.
void attend_unquantized(const Batch& batch, const Step* steps, const Split& split,
                        std::int64_t max_tokens, cudaStream_t queue);

}  // namespace mikv::cuda
