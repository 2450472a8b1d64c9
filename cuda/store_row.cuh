// SPDX-License-Identifier: Apache-2.0
// Writing one key or value into a slot. A warp stores several rows at once, eight channels a lane.
#pragma once

#include "cuda/quantizer.cuh"
#include "cuda/refusal.cuh"
#include "cuda/stored_codes.cuh"
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
  float factors[kUnitChannels];
  load_unit(reinterpret_cast<const std::byte*>(batch.balancer + head * batch.head_dim),
            ElementType::f32, unit, factors);
#pragma unroll
  for (int i = 0; i < kUnitChannels; ++i) {
    x[i] = mul(x[i], factors[i]);
    finite = finite && is_finite(x[i]);
  }
  if (finite) return;
  refuse(batch.refusals + head,
         {time, RefusalKind::key, static_cast<std::uint64_t>(head % batch.kv_heads), position});
}

/// A recorded row of the head, this lane's channels; balanced if it is a key.
__device__ inline void load_recorded(const Batch& batch, int head, std::int64_t position,
                                     bool is_value, std::uint64_t time, int unit,
                                     float (&x)[kUnitChannels]) {
  const Sequence& sequence = batch.sequence[head / batch.kv_heads];
  const std::byte* row = recorded_row(batch, is_value ? sequence.v : sequence.k, sequence.tokens,
                                      head % batch.kv_heads, position);
  load_unit(row, batch.element, unit, x);
  if (!is_value) balance(batch, head, unit, time, static_cast<std::uint64_t>(position), x);
}

/// Writes a lane's share of a quantized row into the log, and its group's parameters into the slot
/// too. The codes' place in the page is the caller's.
__device__ inline void store_parameters(const Batch& batch, const TierHead& tier, int head,
                                        std::int64_t slot, bool is_value, const QuantizedUnit& q,
                                        const StoreLog& log, const RowLanes& lanes, int lane) {
  const int unit = lanes.unit(lane);
  if (batch.logs) {
    store_codes(log.codes + (is_value ? tier.storage().payload_bytes : 0), unit,
                tier.storage().bits, q.codes);
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

/// Quantizes x and writes codes and parameters into the slot and the log. Every lane of the warp
/// takes part; lanes whose row is not to be stored say so. fresh: the slot has never been taken.
__device__ inline void store_quantized(const Batch& batch, const TierHead& tier, int head,
                                       std::int64_t slot, bool is_value, bool stores, bool fresh,
                                       const StoreLog& log, const RowLanes& lanes, int lane,
                                       const float (&x)[kUnitChannels]) {
  const QuantizedUnit q = quantize(x, lanes, lane, tier.storage().bits);
  if (!stores) return;
  write_codes(tier, slot, is_value, lanes.unit(lane), batch.head_dim, q.codes, fresh);
  store_parameters(batch, tier, head, slot, is_value, q, log, lanes, lane);
}

/// Copies a lane's share of a recorded row into the slot.
__device__ inline void store_recorded(const TierHead& tier, std::int64_t slot, bool is_value,
                                      const std::byte* source, int unit) {
  const auto* from = reinterpret_cast<const uint4*>(source);
  const int unit_pieces = tier.storage().element == ElementType::f32 ? 2 : 1;
  const int pieces = static_cast<int>(tier.storage().payload_bytes) / 16;
  for (int piece = unit * unit_pieces; piece < (unit + 1) * unit_pieces; ++piece) {
    if (is_value) {
      reinterpret_cast<uint4*>(tier.value(slot))[piece] = from[piece];
    } else {
      reinterpret_cast<uint4*>(
          tier.page_keys(slot))[key_piece(TierHead::within(slot), piece, pieces)] = from[piece];
    }
  }
}

/// A lane's share of an unquantized stored row.
__device__ inline void load_unquantized(const TierHead& tier, std::int64_t slot, bool is_value,
                                        int unit, float (&x)[kUnitChannels]) {
  const ElementType element = tier.storage().element;
  if (is_value) {
    load_unit(tier.value(slot), element, unit, x);
    return;
  }
  const auto* keys = reinterpret_cast<const uint4*>(tier.page_keys(slot));
  const int pieces = static_cast<int>(tier.storage().payload_bytes) / 16;
  const int within = TierHead::within(slot);
  if (element == ElementType::f32) {
    const uint4 row[2] = {keys[key_piece(within, 2 * unit, pieces)],
                          keys[key_piece(within, 2 * unit + 1, pieces)]};
    load_unit(reinterpret_cast<const std::byte*>(row), element, 0, x);
  } else {
    const uint4 row = keys[key_piece(within, unit, pieces)];
    load_unit(reinterpret_cast<const std::byte*>(&row), element, 0, x);
  }
}

}  // namespace mikv::cuda
