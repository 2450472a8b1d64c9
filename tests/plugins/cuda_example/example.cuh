// SPDX-License-Identifier: Apache-2.0
// What the files of the example share: rows, elements and codes on the device; the host's side of a
// call.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>
#include <mikv.h>

#include <cstdint>

namespace example {

constexpr std::uint32_t kFreePosition = 0xffffffff;  // of a row that no token has
constexpr int kThreads = 256;

/// A head of a sequence: a query head or a KV head, whichever the array has.
struct Place {
  std::int64_t sequence;
  std::int64_t head;
};

/// The one place where addresses are made: 64 bits, and nothing but the array's own strides. Null
/// where the array does not apply.
template <typename T>
__device__ T* row_of(const mikv_array& array, Place at, std::int64_t row) {
  if (array.data == nullptr) return nullptr;
  return reinterpret_cast<T*>(static_cast<unsigned char*>(array.data) +
                              at.sequence * array.sequence_stride + at.head * array.head_stride +
                              row * array.row_stride);
}

inline __device__ float from_half(std::uint16_t bits) {
  return __half2float(__ushort_as_half(bits));
}

/// One channel of a recorded row.
inline __device__ float load_element(const void* row, mikv_element element, std::int64_t channel) {
  if (element == MIKV_ELEMENT_FP32) return static_cast<const float*>(row)[channel];
  const std::uint16_t bits = static_cast<const std::uint16_t*>(row)[channel];
  return element == MIKV_ELEMENT_FP16 ? from_half(bits)
                                      : __uint_as_float(static_cast<std::uint32_t>(bits) << 16);
}

/// Bits of a code; 0: unquantized.
inline __host__ __device__ int code_bits(mikv_format format) {
  switch (format) {
    case MIKV_FORMAT_INT8:
      return 8;
    case MIKV_FORMAT_INT4:
      return 4;
    case MIKV_FORMAT_INT3:
      return 3;
    case MIKV_FORMAT_INT2:
      return 2;
    default:
      return 0;
  }
}

/// One code of a packed row, the lowest code in the lowest bits (FORMAT, "Codes").
inline __device__ unsigned load_code(const std::uint8_t* packed, int bits, std::int64_t channel) {
  const std::int64_t first = channel * bits;
  const int shift = static_cast<int>(first % 8);
  unsigned word = packed[first / 8];
  if (shift + bits > 8) word |= static_cast<unsigned>(packed[first / 8 + 1]) << 8;
  return word >> shift & ((1U << bits) - 1);
}

/// One channel of a stored row; params are null where the format is unquantized (CONTRACT R10).
inline __device__ float load_stored(const mikv_shape& shape, mikv_format format,
                                    const std::uint8_t* payload, const std::uint16_t* params,
                                    std::int64_t channel) {
  const int bits = code_bits(format);
  if (bits == 0) return load_element(payload, shape.element, channel);
  const std::uint16_t* group = params + 2 * (channel / shape.group_size);
  return __fmaf_rn(static_cast<float>(load_code(payload, bits, channel)), from_half(group[0]),
                   from_half(group[1]));
}

/// Where the array of a tier applies, its row of a slot.
struct StoredRow {
  std::uint8_t* payload;
  std::uint16_t* params;
};

inline __device__ StoredRow key_row(const mikv_tier& tier, Place at, std::int64_t slot) {
  return {row_of<std::uint8_t>(tier.keys, at, slot),
          row_of<std::uint16_t>(tier.key_groups, at, slot)};
}

inline __device__ StoredRow value_row(const mikv_tier& tier, Place at, std::int64_t slot) {
  return {row_of<std::uint8_t>(tier.values, at, slot),
          row_of<std::uint16_t>(tier.value_groups, at, slot)};
}

/// Numbers of host memory, copied to the device for what is queued on the stream while this lives.
class DeviceNumbers {
 public:
  DeviceNumbers(const std::int64_t* numbers, std::int64_t count, cudaStream_t stream);
  ~DeviceNumbers();
  DeviceNumbers(const DeviceNumbers&) = delete;
  DeviceNumbers& operator=(const DeviceNumbers&) = delete;

  /// Null after an error.
  const std::int64_t* data() const { return data_; }

 private:
  std::int64_t* data_ = nullptr;
  cudaStream_t stream_;
};

/// The tokens of a tier, a sequence; none where it stores nothing.
inline const std::int64_t* tokens_of(const mikv_tier& tier) {
  return tier.format == MIKV_FORMAT_NONE ? nullptr : tier.tokens;
}

/// What the runtime says of the launch before; last_error() keeps it.
mikv_status launch_status();
const char* last_error();
/// Arguments that this plug-in takes; other_tier may be null.
mikv_status check(const mikv_shape& shape, const mikv_tier& tier, const mikv_tier* other_tier);

mikv_status append(const mikv_append_args* args, void* stream);
mikv_status demote(const mikv_demote_args* args, void* stream);
mikv_status decode(const mikv_decode_args* args, void* stream);
mikv_status dequantize(const mikv_dequantize_args* args, void* stream);

}  // namespace example
