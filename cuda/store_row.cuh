// SPDX-License-Identifier: Apache-2.0
// Writing one key or value into a slot. A warp stores several rows at once, eight channels a lane.
#pragma once

#include "cuda/packing.cuh"
#include "cuda/quantizer.cuh"
#include "cuda/refusal.cuh"
#include "cuda/tier.cuh"

namespace mikv::cuda {

/// Where a stored row's alpha, beta and codes go in the stage streams.
struct StoreLog {
  std::uint16_t* alpha;  ///< of the key's first group; the value's groups follow
  std::uint16_t* beta;
  std::byte* codes;  ///< of the key; the value's follow
};

/// The log entry of the index-th quantized store after these offsets.
__device__ inline StoreLog store_log(const Batch& batch, int head, std::int64_t parameters_begin,
                                     std::int64_t codes_begin) {
  return {stream<std::uint16_t>(batch, head, Stage::alpha, parameters_begin),
          stream<std::uint16_t>(batch, head, Stage::beta, parameters_begin),
          stream<std::byte>(batch, head, Stage::codes, codes_begin)};
}

/// Bytes that one quantized token adds to the alpha stream, and to the beta stream.
__device__ inline std::int64_t parameter_log_bytes(const Batch& batch) {
  return 2 * batch.groups * static_cast<std::int64_t>(sizeof(std::uint16_t));
}

/// Multiplies a lane's share of a key by the balancer; refuses what is not finite.
__device__ inline void balance(const Batch& batch, int head, int unit, std::uint64_t time,
                               std::uint64_t position, float (&x)[kUnitChannels]) {
  if (!batch.balanced) return;
  bool finite = true;
#pragma unroll
  for (int i = 0; i < kUnitChannels; ++i) {
    x[i] = mul(x[i], batch.balancer[head * batch.head_dim + unit * kUnitChannels + i]);
    finite = finite && is_finite(x[i]);
  }
  if (finite) return;
  refuse(batch.refusals + head,
         {time, RefusalKind::key, static_cast<std::uint64_t>(head % batch.kv_heads), position});
}

/// Quantizes x and writes codes and parameters into the slot and the log. Every lane of the warp
/// takes part; lanes whose row is not to be stored say so.
__device__ inline void store_quantized(const Batch& batch, const TierHead& tier, int head,
                                       std::int64_t slot, bool is_value, bool stores,
                                       const StoreLog& log, const RowLanes& lanes, int lane,
                                       float (&x)[kUnitChannels]) {
  const int bits = tier.storage().bits;
  const QuantizedUnit q = quantize(x, lanes, lane, bits);
  if (!stores) return;
  const int unit = lanes.unit(lane);
  store_codes(is_value ? tier.value(slot) : tier.key(slot), unit, bits, q.codes);
  if (batch.logs) {
    store_codes(log.codes + (is_value ? tier.storage().payload_bytes : 0), unit, bits, q.codes);
  }
  if (unit % lanes.group_units != 0) return;
  const int group = unit / lanes.group_units;
  (is_value ? tier.value_groups(slot) : tier.key_groups(slot))[group] = q.params;
  if (batch.logs) {
    const int entry = (is_value ? batch.groups : 0) + group;
    log.alpha[entry] = q.params.alpha;
    log.beta[entry] = q.params.beta;
  }
  if (q.saturated) {
    atomicAdd(reinterpret_cast<unsigned long long*>(batch.saturated_groups + head), 1ULL);
  }
}

/// Copies a lane's share of a recorded row into the slot.
__device__ inline void store_recorded(const TierHead& tier, std::int64_t slot, bool is_value,
                                      const std::byte* source, int unit) {
  std::byte* to = is_value ? tier.value(slot) : tier.key(slot);
  if (tier.storage().element == ElementType::f32) {
    reinterpret_cast<uint4*>(to)[2 * unit] = reinterpret_cast<const uint4*>(source)[2 * unit];
    reinterpret_cast<uint4*>(to)[2 * unit + 1] =
        reinterpret_cast<const uint4*>(source)[2 * unit + 1];
  } else {
    reinterpret_cast<uint4*>(to)[unit] = reinterpret_cast<const uint4*>(source)[unit];
  }
}

}  // namespace mikv::cuda
