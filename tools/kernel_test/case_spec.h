// SPDX-License-Identifier: Apache-2.0
// What a kernel is tested with, and its name: a one-line reproducer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/shape.h"
#include "core/storage_format.h"
#include "tools/kernel_test/case_array.h"

namespace mikv::kernel_test {

enum class Operation : std::uint8_t { compress, append, demote, decode, dequantize };

/// Recorded values that a case is made of.
enum class Pattern : std::uint8_t {
  normal,     ///< normal numbers, outlier channels in keys
  scales,     ///< every token and group has a scale of its own
  constant,   ///< groups without a range
  ties,       ///< values halfway between two codes; equal scores, where they are an input
  outliers,   ///< one large channel a group
  large,      ///< values near the largest half; beyond it for fp32
  subnormal,  ///< values near the smallest halves
  peaked,     ///< one token takes nearly all attention of the newest
  sink,       ///< the first token takes all attention: scores of the others are 0, alike
};

struct CaseSpec {
  Operation operation = Operation::decode;
  AttentionShape shape{.query_heads = 8, .kv_heads = 2, .head_dim = 64};
  std::int64_t tokens = 64;    ///< of the longest sequence; decode: the newest one included
  std::int64_t sequences = 1;  ///< each shorter than the one before
  double importance_ratio = 0.2;
  StorageFormat importance_format = StorageFormat::fp16;
  StorageFormat retained_format = StorageFormat::int2;
  std::int64_t group_size = 32;
  bool balancer = true;
  ElementType element = ElementType::f16;
  Pattern pattern = Pattern::normal;
  ArrayLayout layout = ArrayLayout::padded;
  std::uint64_t seed = 1;
  std::string trace;  ///< the file that the values are from; empty: they are made from the seed
  std::int64_t layer = 0;  ///< of the trace

  bool operator==(const CaseSpec&) const = default;
};

[[nodiscard]] std::string_view name(Operation operation);
[[nodiscard]] std::string_view name(Pattern pattern);
[[nodiscard]] const std::vector<Operation>& operations();
/// Throws UsageError.
[[nodiscard]] Operation parse_operation(std::string_view text);

/// 'decode:llama3-8b:s=513:r=0.2:int2:seed=7', 'decode:trace=FILE:layer=3:s=513:r=0.2:int2'. What
/// has its default is left out: hi=FORMAT (the importance format, default the element type),
/// g=GROUP_SIZE (default half of head_dim), b=SEQUENCES, e=ELEMENT, data=PATTERN, nobalancer,
/// dense, wide.
[[nodiscard]] std::string to_string(const CaseSpec& spec);

/// Reads what to_string writes, in any order after the shape: 'q32k8d128', a model's name, or
/// 'trace=FILE' (then layer=N, default the first recorded one; s=N, default all tokens; no e=,
/// data= and seed=). Throws UsageError that names the part; InputError if the file is no trace.
[[nodiscard]] CaseSpec parse_case(std::string_view text);

}  // namespace mikv::kernel_test
