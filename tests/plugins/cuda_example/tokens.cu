// SPDX-License-Identifier: Apache-2.0
// Tokens on their way: append, demote, dequantize. Quantizing is the contract's, to the bit; the
// intrinsics are not contracted whatever the flags are (but never --use_fast_math).
#include "example.cuh"

namespace example {
namespace {

__device__ float saturate(float x) {
  return fminf(fmaxf(x, -65504.0F), 65504.0F);
}

// CONTRACT R9. Eight codes fill as many bytes as a code has bits.
__device__ void quantize_group(const float* x, std::int64_t size, int bits, std::uint8_t* packed,
                               std::uint16_t* params) {
  const float levels = static_cast<float>((1 << bits) - 1);
  float low = __fadd_rn(x[0], 0.0F);  // + 0: no -0
  float high = low;
  for (std::int64_t c = 1; c < size; ++c) {
    const float v = __fadd_rn(x[c], 0.0F);
    low = fminf(low, v);
    high = fmaxf(high, v);
  }
  const __half alpha_half = __float2half_rn(saturate(__fdiv_rn(__fsub_rn(high, low), levels)));
  const __half beta_half = __float2half_rn(saturate(low));
  params[0] = __half_as_ushort(alpha_half);
  params[1] = __half_as_ushort(beta_half);

  // Codes are fitted to what was stored.
  const float alpha = __half2float(alpha_half);
  const float beta = __half2float(beta_half);
  const float inverse = alpha > 0.0F ? __fdiv_rn(1.0F, alpha) : 0.0F;
  for (std::int64_t first = 0; first < size; first += 8) {
    std::uint64_t word = 0;
    for (int i = 0; i < 8; ++i) {
      const float v = __fadd_rn(x[first + i], 0.0F);
      const float code = rintf(__fmul_rn(__fsub_rn(v, beta), inverse));
      word |= static_cast<std::uint64_t>(fminf(fmaxf(code, 0.0F), levels)) << (i * bits);
    }
    for (int i = 0; i < bits; ++i) {
      packed[first / 8 * bits + i] = static_cast<std::uint8_t>(word >> (8 * i));
    }
  }
}

// The block's threads share out the groups; x is in shared memory, and complete.
__device__ void quantize_row(const mikv_shape& shape, int bits, const float* x, StoredRow to) {
  const std::int64_t size = shape.group_size;
  for (std::int64_t group = threadIdx.x; group < shape.head_dim / size; group += blockDim.x) {
    quantize_group(x + group * size, size, bits, to.payload + group * size / 8 * bits,
                   to.params + 2 * group);
  }
}

// A recorded row into a row of a tier: its bytes, or its codes. factors: null but for balanced
// keys.
__device__ void store_recorded(const mikv_shape& shape, int bits, const std::uint8_t* recorded,
                               const float* factors, float* x, StoredRow to) {
  if (bits == 0) {
    const std::int64_t bytes = shape.head_dim * (shape.element == MIKV_ELEMENT_FP32 ? 4 : 2);
    for (std::int64_t i = threadIdx.x; i < bytes; i += blockDim.x) to.payload[i] = recorded[i];
    return;
  }
  __syncthreads();  // x is free again
  for (std::int64_t c = threadIdx.x; c < shape.head_dim; c += blockDim.x) {
    const float v = load_element(recorded, shape.element, c);
    x[c] = factors == nullptr ? v : __fmul_rn(v, factors[c]);
  }
  __syncthreads();
  quantize_row(shape, bits, x, to);
}

// A stored row into a row of the retained tier: the exact value is gone if it was quantized.
__device__ void requantize(const mikv_shape& shape, mikv_format format, StoredRow from,
                           const float* factors, float* x, int bits, StoredRow to) {
  __syncthreads();
  for (std::int64_t c = threadIdx.x; c < shape.head_dim; c += blockDim.x) {
    const float v = load_stored(shape, format, from.payload, from.params, c);
    x[c] = factors == nullptr ? v : __fmul_rn(v, factors[c]);
  }
  __syncthreads();
  quantize_row(shape, bits, x, to);
}

// A block a KV head and sequence. Arrays of host memory inside args are not for the device.
__global__ void append_kernel(mikv_append_args args, const std::int64_t* positions) {
  extern __shared__ float x[];
  const Place at{blockIdx.y, blockIdx.x};
  const std::int64_t slot = *row_of<std::int64_t>(args.slots, at, 0);
  const mikv_tier& tier = args.importance;
  const int bits = code_bits(tier.format);
  store_recorded(args.shape, bits, row_of<std::uint8_t>(args.keys, at, 0),
                 row_of<float>(args.balancer, at, 0), x, key_row(tier, at, slot));
  store_recorded(args.shape, bits, row_of<std::uint8_t>(args.values, at, 0), nullptr, x,
                 value_row(tier, at, slot));
  if (threadIdx.x == 0) {
    *row_of<std::uint32_t>(tier.positions, at, slot) =
        static_cast<std::uint32_t>(positions[at.sequence]);
    *row_of<std::uint64_t>(tier.scores, at, slot) = 0;
  }
}

struct Candidate {
  std::uint64_t score;
  std::uint32_t position;  // kFreePosition: no candidate
  std::int64_t slot;
};

__device__ bool goes_first(const Candidate& a, const Candidate& b) {
  if (a.position == kFreePosition || b.position == kFreePosition) {
    return a.position != kFreePosition;
  }
  return a.score != b.score ? a.score < b.score : a.position < b.position;
}

// The lowest (score, position) before first_recent, the same for all threads.
__device__ Candidate pick(const mikv_tier& tier, Place at, std::int64_t tokens,
                          std::int64_t first_recent) {
  __shared__ Candidate best[kThreads];
  Candidate mine{0, kFreePosition, -1};
  for (std::int64_t slot = threadIdx.x; slot < tokens; slot += kThreads) {
    const Candidate other{*row_of<std::uint64_t>(tier.scores, at, slot),
                          *row_of<std::uint32_t>(tier.positions, at, slot), slot};
    if (other.position < first_recent && goes_first(other, mine)) mine = other;
  }
  best[threadIdx.x] = mine;
  __syncthreads();
  for (unsigned half = kThreads / 2; half > 0; half /= 2) {
    if (threadIdx.x < half && goes_first(best[threadIdx.x + half], best[threadIdx.x])) {
      best[threadIdx.x] = best[threadIdx.x + half];
    }
    __syncthreads();
  }
  return best[0];
}

// A block a KV head and sequence. The slot is -1 where every token is recent.
__global__ void demote_kernel(mikv_demote_args args, const std::int64_t* tokens,
                              const std::int64_t* retained_tokens,
                              const std::int64_t* first_recent) {
  extern __shared__ float x[];
  const Place at{blockIdx.y, blockIdx.x};
  const mikv_tier& from = args.importance;
  const mikv_tier& to = args.retained;
  const Candidate demoted = pick(from, at, tokens[at.sequence], first_recent[at.sequence]);
  if (threadIdx.x == 0) *row_of<std::int64_t>(args.demoted_slots, at, 0) = demoted.slot;
  if (demoted.slot < 0) return;
  if (to.format != MIKV_FORMAT_NONE) {
    const std::int64_t slot = retained_tokens[at.sequence];
    const int bits = code_bits(to.format);
    const bool balanced = code_bits(from.format) != 0;
    requantize(args.shape, from.format, key_row(from, at, demoted.slot),
               balanced ? nullptr : row_of<float>(args.balancer, at, 0), x, bits,
               key_row(to, at, slot));
    requantize(args.shape, from.format, value_row(from, at, demoted.slot), nullptr, x, bits,
               value_row(to, at, slot));
    if (threadIdx.x == 0) *row_of<std::uint32_t>(to.positions, at, slot) = demoted.position;
  }
  if (threadIdx.x == 0) {
    *row_of<std::uint32_t>(from.positions, at, demoted.slot) = kFreePosition;
  }
}

// A block a KV head and sequence.
__global__ void dequantize_kernel(mikv_dequantize_args args, const std::int64_t* tokens) {
  const Place at{blockIdx.y, blockIdx.x};
  for (std::int64_t slot = 0; slot < tokens[at.sequence]; ++slot) {
    const StoredRow key = key_row(args.tier, at, slot);
    const StoredRow value = value_row(args.tier, at, slot);
    for (std::int64_t c = threadIdx.x; c < args.shape.head_dim; c += blockDim.x) {
      row_of<float>(args.keys, at, slot)[c] =
          load_stored(args.shape, args.tier.format, key.payload, key.params, c);
      row_of<float>(args.values, at, slot)[c] =
          load_stored(args.shape, args.tier.format, value.payload, value.params, c);
    }
  }
}

dim3 kv_grid(const mikv_shape& shape) {
  return dim3(static_cast<unsigned>(shape.kv_heads), static_cast<unsigned>(shape.sequences));
}

std::size_t row_bytes(const mikv_shape& shape) {
  return static_cast<std::size_t>(shape.head_dim) * sizeof(float);
}

}  // namespace

mikv_status append(const mikv_append_args* args, void* stream) {
  const mikv_status status = check(args->shape, args->importance, nullptr);
  if (status != MIKV_OK) return status;
  const auto queue = static_cast<cudaStream_t>(stream);
  const DeviceNumbers positions(args->position, args->shape.sequences, queue);
  if (positions.data() == nullptr) return launch_status();
  append_kernel<<<kv_grid(args->shape), kThreads, row_bytes(args->shape), queue>>>(
      *args, positions.data());
  return launch_status();
}

mikv_status demote(const mikv_demote_args* args, void* stream) {
  const mikv_status status = check(args->shape, args->importance, &args->retained);
  if (status != MIKV_OK) return status;
  const auto queue = static_cast<cudaStream_t>(stream);
  const std::int64_t sequences = args->shape.sequences;
  const DeviceNumbers tokens(args->importance.tokens, sequences, queue);
  const DeviceNumbers retained(tokens_of(args->retained), sequences, queue);
  const DeviceNumbers first_recent(args->first_recent, sequences, queue);
  if (tokens.data() == nullptr || retained.data() == nullptr || first_recent.data() == nullptr) {
    return launch_status();
  }
  demote_kernel<<<kv_grid(args->shape), kThreads, row_bytes(args->shape), queue>>>(
      *args, tokens.data(), retained.data(), first_recent.data());
  return launch_status();
}

mikv_status dequantize(const mikv_dequantize_args* args, void* stream) {
  const mikv_status status = check(args->shape, args->tier, nullptr);
  if (status != MIKV_OK) return status;
  const auto queue = static_cast<cudaStream_t>(stream);
  const DeviceNumbers tokens(tokens_of(args->tier), args->shape.sequences, queue);
  if (tokens.data() == nullptr) return launch_status();
  dequantize_kernel<<<kv_grid(args->shape), kThreads, 0, queue>>>(*args, tokens.data());
  return launch_status();
}

}  // namespace example
