// SPDX-License-Identifier: Apache-2.0
#include "cuda/attend.h"

#include "cuda/attend_interleaved.h"
#include "cuda/attend_packed.h"
#include "cuda/attend_unquantized.h"

namespace mikv::cuda {
namespace {

constexpr std::int64_t kFewBlocks = 700;  // a large device holds as many; longer runs from there on

int block_heads(const Batch& batch, const TierStorage& storage) {
  if (!storage.quantized) return unquantized_heads(batch);
  return storage.interleaved ? interleaved_heads(batch) : packed_heads(batch);
}

TierSplit split_tier(const Batch& batch, const TierStorage& storage, std::int64_t max_tokens) {
  const int heads = block_heads(batch, storage);
  TierSplit split{1, (batch.group_ratio + heads - 1) / heads};
  if (batch.run != 0) return {batch.run, split.head_blocks};
  const std::int64_t rows = std::int64_t{batch.sequences} * batch.kv_heads * split.head_blocks;
  while (split.run < kMaxRun && rows * split.runs(max_tokens) > kFewBlocks) split.run *= 2;
  return split;
}

void attend_tier(const Batch& batch, const Step* steps, const Split& split, bool importance,
                 std::int64_t max_tokens, cudaStream_t queue) {
  const TierStorage& storage = importance ? batch.importance : batch.retained;
  if (!storage.quantized) return attend_unquantized(batch, steps, split, max_tokens, queue);
  if (storage.interleaved) {
    return attend_interleaved(batch, steps, split, importance, max_tokens, queue);
  }
  attend_packed(batch, steps, split, importance, max_tokens, queue);
}

}  // namespace

void attend(const Batch& batch, const Step* steps, std::int64_t max_retained,
            std::int64_t max_importance, const SideQueue& side, cudaStream_t queue) {
  const Split split{split_tier(batch, batch.retained, max_retained),
                    split_tier(batch, batch.importance, max_importance)};
  if (max_retained == 0) {  // the importance tier has the newest token at least
    return attend_tier(batch, steps, split, true, max_importance, queue);
  }
  attend_tier(batch, steps, split, true, max_importance, side.fork(queue));
  attend_tier(batch, steps, split, false, max_retained, queue);
  side.join(queue);
}

}  // namespace mikv::cuda
