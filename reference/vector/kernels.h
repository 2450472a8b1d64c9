// SPDX-License-Identifier: Apache-2.0
// The inner loops of the reference, one table for each instruction set. Plain pointers throughout:
// sources that are compiled for AVX may not share a template or inline function with the others.
#pragma once

#include <cstdint>

#include "core/shape.h"
#include "reference/vector/quantized_layout.h"

namespace mikv::reference::vector {

/// Tokens that kernels take at a time: a page of storage, a panel of recorded keys.
inline constexpr int kPanelTokens = 64;

/// A softmax over some tokens: the maximum m of the logits and the sum l of 2^(s - m).
struct WeightSum {
  float m;
  float l;
};

/// A query as 16-bit integers (CONTRACT R14): about scale * integer.
struct IntegerQuery {
  std::uint32_t* quads;  ///< two words for every four channels, in the codes' order
  float* group_sums;     ///< float(sum of the integers), one a group
  float scale;
};

/// The weights of up to kChunkSlots quantized values (CONTRACT R15), 256 * high + low a token and
/// group: [groups, kChunkSlots].
struct ValueWeights {
  std::uint8_t* high;
  std::uint8_t* low;
  float* step;                 ///< o is step * sum + minimum, one a group
  float* minimum;              ///< one a group
  std::uint32_t* code_offset;  ///< to add to each sum, one a group
};

/// How a row is quantized.
struct RowGroups {
  std::int64_t count;
  std::int64_t size;  ///< a multiple of 8
  int bits;           ///< 1 to 8
};

struct Kernels {
  int lanes;  ///< that the layouts of codes depend on

  /// Recorded elements as fp32, exactly.
  void (*widen)(const std::byte* elements, ElementType type, std::int64_t count, float* out);

  /// Raises maximum[head_dim] to the largest magnitude in each channel of the rows.
  void (*raise_to_magnitudes)(const std::byte* rows, ElementType type, std::int64_t count,
                              std::int64_t head_dim, float* maximum);

  /// Quantizes and packs a row in groups (CONTRACT R9; FORMAT, "Codes"). groups holds alpha and
  /// beta of each group. Returns how many groups were clamped to fp16's range.
  std::int64_t (*quantize)(const float* row, const RowGroups& in, std::byte* packed,
                           GroupParams* groups);

  /// kPanelTokens rows as fp32, transposed: panel is [head_dim, kPanelTokens]. next are the rows of
  /// the panel after it, or any address if there is none.
  void (*fill_panel)(const std::byte* rows, const std::byte* next, ElementType type,
                     std::int64_t head_dim, float* panel);

  /// Logits of one query against kPanelTokens rows (CONTRACT R16), which makes no panel worth
  /// while.
  void (*row_logits)(const std::byte* rows, const std::byte* next, ElementType type,
                     std::int64_t head_dim, const float* query, float scale, float* logits);

  /// Logits of queries [count, head_dim] against a panel (CONTRACT R16), kPanelTokens a query.
  void (*panel_logits)(const float* panel, const float* queries, std::int64_t count,
                       std::int64_t head_dim, float scale, float* logits, std::int64_t stride);

  /// Whether all of count values are finite.
  bool (*all_finite)(const float* values, std::int64_t count);

  /// m and l of a row of unquantized tokens, chunk by chunk (CONTRACT R16, R17). The row's memory
  /// reaches to the end of its last chunk and is overwritten there.
  WeightSum (*row_sum)(float* logits, std::int64_t count);

  /// m and l of a chunk of unquantized tokens, and the weights p [kChunkSlots], 0 from count on.
  WeightSum (*chunk_weights)(float* logits, std::int64_t count, float* p);

  /// o [head_dim] of a chunk of unquantized values, kPanelTokens rows a page (CONTRACT R16).
  void (*weigh_rows)(const float* p, const std::byte* const* pages, ElementType type,
                     std::int64_t count, std::int64_t head_dim, float* o);

  /// Adds the importance weights (CONTRACT R18) of count logits to scores.
  void (*add_importance)(const float* logits, std::int64_t count, float m, float inverse_l,
                         std::uint64_t* scores);

  /// Merges a partial (m, l, o) with the next higher one, in place (CONTRACT R17).
  void (*merge)(WeightSum& sum, float* o, const WeightSum& upper, const float* upper_o,
                std::int64_t head_dim);

  /// The integers of a balanced query.
  void (*quantize_query)(const float* query, const QuantizedLayout& layout, IntegerQuery& out);

  /// A page's rows of codes in layout.bits, where they are stored otherwise. 8 bytes are read
  /// behind the rows, and written behind out's.
  void (*widen_codes)(const std::uint8_t* rows, const QuantizedLayout& layout, std::uint8_t* out);

  /// The words of a page's keys, in the order of quantized_logits. rows, here and below, has
  /// layout.row_bytes a token, and 16 bytes more are readable behind them; next is what is stored
  /// of the page after it, or any address if there is none.
  void (*transpose_keys)(const std::uint8_t* rows, const std::byte* next,
                         const QuantizedLayout& layout, std::uint32_t* words);

  /// alpha and beta of a page's groups as fp32, each [groups, stride].
  void (*unpack_groups)(const GroupParams* groups, const QuantizedLayout& layout,
                        std::int64_t stride, float* alpha, float* beta);

  /// Logits of a page's keys (CONTRACT R14); alpha and beta are [groups, kPanelTokens].
  void (*quantized_logits)(const std::uint32_t* words, const float* alpha, const float* beta,
                           const QuantizedLayout& layout, const IntegerQuery& query, float scale,
                           float* logits);

  /// m and l of a chunk of quantized tokens and its weights (CONTRACT R15); alpha and beta are
  /// [groups, kChunkSlots]. The logits are overwritten from count to the chunk's end.
  WeightSum (*value_weights)(float* logits, std::int64_t count, const float* alpha,
                             const float* beta, const QuantizedLayout& layout, ValueWeights& out);

  /// The bytes of a page's values, in the order of weigh_codes.
  void (*interleave_values)(const std::uint8_t* rows, const std::byte* next,
                            const QuantizedLayout& layout, std::uint32_t* words);

  /// Adds a page's weighted codes to sums. page is its index in the chunk.
  void (*weigh_codes)(const std::uint32_t* words, const QuantizedLayout& layout,
                      const ValueWeights& weights, std::int64_t page, std::uint32_t* sums);

  /// o [head_dim] of a chunk from its sums.
  void (*finish_values)(const std::uint32_t* sums, const QuantizedLayout& layout,
                        const ValueWeights& weights, float* o);
};

extern const Kernels kPortableKernels;
#if defined(__x86_64__)
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;
#endif

}  // namespace mikv::reference::vector
