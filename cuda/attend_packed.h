// SPDX-License-Identifier: Apache-2.0
// Attention over packed codes of any width and group size (CONTRACT R14, R15).
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cuda/batch.h"
#include "cuda/split.h"

namespace mikv::cuda {

/// Query heads that a block takes.
[[nodiscard]] int packed_heads(const Batch& batch);

/// A tier's nodes, partials and, of the importance tier, logits. max_tokens: of the tier, over the
/// sequences.
void attend_packed(const Batch& batch, const Step* steps, const Split& split, bool importance,
                   std::int64_t max_tokens, cudaStream_t queue);

}  // namespace mikv::cuda
