// SPDX-License-Identifier: Apache-2.0
// Addresses in a tier's pages (FORMAT, "Pages").
#pragma once

#include "cuda/batch.h"

namespace mikv::cuda {

/// One tier of one head.
class TierHead {
 public:
  __device__ TierHead(const TierStorage& storage, int head)
      : storage_(storage), pages_(storage.pages[head]) {}

  /// All keys, and all values, of the slot's page.
  [[nodiscard]] __device__ std::byte* page_keys(std::int64_t slot) const { return page(slot); }
  [[nodiscard]] __device__ std::byte* page_values(std::int64_t slot) const {
    return page(slot) + kPageSlots * storage_.payload_bytes;
  }
  /// A slot's packed codes, where they are not interleaved; an unquantized value.
  [[nodiscard]] __device__ std::byte* key(std::int64_t slot) const {
    return page_keys(slot) + within(slot) * storage_.payload_bytes;
  }
  [[nodiscard]] __device__ std::byte* value(std::int64_t slot) const {
    return page_values(slot) + within(slot) * storage_.payload_bytes;
  }
  [[nodiscard]] __device__ GroupParams* key_groups(std::int64_t slot) const {
    return reinterpret_cast<GroupParams*>(page(slot) + payload_end() +
                                          within(slot) * storage_.groups_bytes);
  }
  [[nodiscard]] __device__ GroupParams* value_groups(std::int64_t slot) const {
    return reinterpret_cast<GroupParams*>(page(slot) + payload_end() +
                                          (kPageSlots + within(slot)) * storage_.groups_bytes);
  }
  [[nodiscard]] __device__ StoredPosition& position(std::int64_t slot) const {
    return reinterpret_cast<StoredPosition*>(page(slot) + positions_begin())[within(slot)];
  }
  /// Importance tier only.
  [[nodiscard]] __device__ std::uint64_t& score(std::int64_t slot) const {
    return reinterpret_cast<std::uint64_t*>(page(slot) + positions_begin() +
                                            kPageSlots * sizeof(StoredPosition))[within(slot)];
  }
  [[nodiscard]] __device__ const TierStorage& storage() const { return storage_; }
  [[nodiscard]] static __device__ int within(std::int64_t slot) {
    return static_cast<int>(slot % kPageSlots);
  }

 private:
  [[nodiscard]] __device__ std::byte* page(std::int64_t slot) const {
    return pages_[slot / kPageSlots];
  }
  [[nodiscard]] __device__ std::int64_t payload_end() const {
    return 2 * kPageSlots * storage_.payload_bytes;
  }
  [[nodiscard]] __device__ std::int64_t positions_begin() const {
    return payload_end() + 2 * kPageSlots * storage_.groups_bytes;
  }

  const TierStorage& storage_;
  std::byte* const* pages_;
};

/// A slot that holds no token.
inline constexpr StoredPosition kFreeSlot = 0xffffffffU;

/// Where a head's values of a stage go.
template <typename Value>
__device__ Value* stream(const Batch& batch, int head, Stage stage, std::int64_t begin = 0) {
  const Sequence& sequence = batch.sequence[head / batch.kv_heads];
  const int index = static_cast<int>(stage);
  return reinterpret_cast<Value*>(sequence.stream[index] +
                                  (head % batch.kv_heads) * sequence.stream_stride[index] + begin);
}

/// A head's prefill scores.
__device__ inline std::uint64_t* prefill_scores(const Batch& batch, int head) {
  const Sequence& sequence = batch.sequence[head / batch.kv_heads];
  return sequence.scores + (head % batch.kv_heads) * sequence.prefill_scores;
}

/// A recorded row of q, k or v.
__device__ inline const std::byte* recorded_row(const Batch& batch, const std::byte* tensor,
                                                std::int64_t tokens, std::int64_t head,
                                                std::int64_t token) {
  return tensor + (head * tokens + token) * batch.head_dim * element_bytes(batch.element);
}

}  // namespace mikv::cuda
