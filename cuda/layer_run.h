// SPDX-License-Identifier: Apache-2.0
// Runs one layer of a batch of recorded sequences through the MiKV cache on a device (ALGORITHM
// 1-7, 10).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/cache_config.h"
#include "core/memory_ledger.h"
#include "core/sequence_plan.h"
#include "core/shape.h"
#include "core/stage_comparer.h"

namespace mikv::cuda {

/// What one KV head's cache held and computed.
struct HeadRun {
  MemoryLedger bytes;
  std::int64_t importance_tokens = 0;  ///< at the end
  std::int64_t retained_tokens = 0;
  std::int64_t saturated_groups = 0;
  StageStreams streams;  ///< in SequenceRun::log
};

/// One sequence of the batch.
struct SequenceRun {
  SequencePlan plan;
  std::vector<std::byte> log;  ///< the stage streams of all KV heads
  std::vector<HeadRun> heads;
};

/// The batch, and the device memory that its caches took.
struct LayerRun {
  std::vector<SequenceRun> sequences;
  std::int64_t allocated_bytes = 0;  ///< at the end: pages, page tables, balancer, scores
  std::int64_t allocated_peak = 0;
};

/// Bits flipped in a stage stream on the device before it is fetched: proves that a comparison
/// fails and points to the right place.
struct Fault {
  Stage stage = Stage::output;
  std::int64_t kv_head = 0;
  std::int64_t byte = 0;
  std::uint8_t mask = 1;
};

/// All sequences have the same layer, shape, element type and softmax scale; lengths may differ.
/// The bits of each do not depend on the others. Throws NumericalError (CONTRACT R5), DeviceError,
/// UsageError for a policy or a shape that the device back end does not have.
/// Uses the calling thread's current device. fault: in the first sequence.
[[nodiscard]] LayerRun run_layer(std::span<const LayerView> sequences, const LayerConfig& config,
                                 const std::optional<Fault>& fault = std::nullopt);

}  // namespace mikv::cuda
