// SPDX-License-Identifier: Apache-2.0
// The MiKV caches of one layer of a batch of recorded sequences, on a device, driven step by step
// (ALGORITHM 1-7).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/cache_config.h"
#include "cuda/batch.h"
#include "cuda/device_memory.h"
#include "cuda/device_sequence.h"
#include "cuda/layer_run.h"
#include "cuda/side_queue.h"

namespace mikv::cuda {

/// The current device's work, in order.
class Queue {
 public:
  Queue();
  ~Queue();
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;
  [[nodiscard]] cudaStream_t get() const { return queue_; }

 private:
  cudaStream_t queue_ = nullptr;
};

/// balance(), score_prompt(), store_prompt() once; then for each step append(), attend(), demote().
/// Nothing waits for the device before finish(): which pages a step needs is known before it runs.
class BatchCache {
 public:
  /// Tensors may lie in host or device memory. logs: keep every stage's values for finish().
  /// The queue outlives the cache. Throws
  /// UsageError for a policy or a shape that the device back end does not have.
  BatchCache(std::span<const LayerView> layers, const LayerConfig& config, const Queue& queue,
             bool logs = true);

  void balance();
  void score_prompt();
  void store_prompt();

  /// Decode steps of the longest sequence.
  [[nodiscard]] std::size_t steps() const { return steps_a_sequence_; }
  void append(std::size_t step);
  void attend(std::size_t step);
  void demote(std::size_t step);

  /// Blocks take runs of 1, 2, 4 or 8 chunks, whatever the shape: no bit depends on it.
  void set_run(int chunks) { batch_.run = chunks; }

  /// Flips bits of the first sequence's streams.
  void inject(const Fault& fault);

  /// Waits, and fetches what was computed. Throws NumericalError (CONTRACT R5).
  [[nodiscard]] LayerRun finish();

  /// Bytes that the caches hold.
  [[nodiscard]] std::int64_t held() const { return cache_.held(); }

 private:
  [[nodiscard]] std::int64_t heads() const;
  [[nodiscard]] const Step* device_steps(std::size_t step) const;
  void describe_sequences();
  void upload_steps();
  void allocate_state();
  void upload_tables(Tier tier);
  [[noreturn]] void refuse(std::uint64_t word) const;

  LayerConfig config_;
  Batch batch_;
  const Queue& queue_;
  SideQueue side_;
  DeviceMemory cache_{queue_.get()};  // what the ledger books
  DeviceMemory work_{queue_.get()};
  std::vector<std::unique_ptr<DeviceSequence>> sequences_;
  std::int64_t max_prompt_ = 0;
  std::size_t steps_a_sequence_ = 0;
  DeviceArray<Sequence> described_{work_, 0};
  DeviceArray<Step> steps_{work_, 0};
  DeviceArray<std::int32_t> freed_slot_{work_, 0};
  DeviceArray<std::uint64_t> refusals_{work_, 0};
  DeviceArray<std::uint64_t> saturated_{work_, 0};
  DeviceArray<float> logits_{work_, 0};
  DeviceArray<float> row_m_{work_, 0};
  DeviceArray<float> row_inverse_l_{work_, 0};
  DeviceArray<float> nodes_{work_, 0};
  DeviceArray<std::uint32_t> arrivals_{work_, 0};
  DeviceArray<std::byte* const*> importance_tables_{work_, 0};
  DeviceArray<std::byte* const*> retained_tables_{work_, 0};
  DeviceArray<float> balancer_{cache_, 0};
};

}  // namespace mikv::cuda
