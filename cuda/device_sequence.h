// SPDX-License-Identifier: Apache-2.0
// One sequence of a batch on the device: its recorded tensors, the pages of its cache, its stage
// streams.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/cache_config.h"
#include "core/sequence_plan.h"
#include "core/shape.h"
#include "cuda/batch.h"
#include "cuda/device_memory.h"
#include "cuda/device_tier.h"
#include "cuda/layer_run.h"

namespace mikv::cuda {

/// Follows the sequence's plan: which pages exist at each step, and what they are booked as.
class DeviceSequence {
 public:
  /// cache: memory of pages and tables, counted; work: of all else. Both outlive the sequence.
  DeviceSequence(const LayerView& layer, const LayerConfig& config, DeviceMemory& cache,
                 DeviceMemory& work);

  /// What kernels are told.
  [[nodiscard]] Sequence describe() const;
  /// A decode step, by index; position -1 when the sequence has ended.
  [[nodiscard]] Step step(std::size_t index) const;

  /// Books the channel factors that the batch holds for this sequence.
  void book_balancer();
  /// Gives the scores back when the tiers are formed, unless the policy knows the future.
  void release_prefill_scores();

  /// Pages for the prompt's tokens.
  void take_prompt();
  /// A slot for the step's appended token. Returns whether page tables moved.
  bool take_appended(std::size_t index);
  /// A slot for the step's demoted token, if one is. Returns whether page tables moved.
  bool take_demoted(std::size_t index);

  [[nodiscard]] const LayerView& layer() const { return layer_; }
  [[nodiscard]] const SequencePlan& plan() const { return plan_; }
  [[nodiscard]] const DeviceTier& tier(Tier tier) const {
    return tier == Tier::importance ? importance_ : retained_;
  }

  /// Flips bits of a stream.
  void inject(const Fault& fault, cudaStream_t queue) const;

  /// Waits for the queue and fetches the streams. saturated: groups, by KV head.
  [[nodiscard]] SequenceRun finish(std::span<const std::uint64_t> saturated,
                                   cudaStream_t queue) const;

 private:
  [[nodiscard]] std::int64_t stride(Stage stage) const;
  [[nodiscard]] std::int64_t log_bytes() const;
  [[nodiscard]] StageStreams streams(std::span<const std::byte> log, std::int64_t head) const;

  LayerView layer_;
  SequencePlan plan_;
  MemoryLedger ledger_;  // of one KV head; all have the same
  DeviceTier importance_;
  DeviceTier retained_;
  DeviceArray<std::byte> q_;
  DeviceArray<std::byte> k_;
  DeviceArray<std::byte> v_;
  DeviceArray<std::uint64_t> scores_;  // of the prefill, [kv_heads, prefill_scores]
  DeviceArray<std::byte> log_;         // by stage, then KV head
};

}  // namespace mikv::cuda
