// SPDX-License-Identifier: Apache-2.0
#include "trace/synth/synth_spec.h"

#include <array>
#include <charconv>
#include <cmath>

#include "core/error.h"
#include "trace/safetensors_dtype.h"
#include "trace/synth/profile.h"

namespace mikv::trace::synth {
namespace {

void require_range(const char* option, std::int64_t value, std::int64_t low, std::int64_t high) {
  if (value >= low && value <= high) return;
  throw UsageError(option, std::to_string(value) + " is out of range",
                   "give " + std::to_string(low) + " to " + std::to_string(high));
}

void check_shape(const AttentionShape& shape) {
  require_range("--query-heads", shape.query_heads, 1, kMaxHeads);
  require_range("--kv-heads", shape.kv_heads, 1, kMaxHeads);
  require_range("--head-dim", shape.head_dim, 8, kMaxHeadDim);
  if (shape.query_heads % shape.kv_heads != 0) {
    throw UsageError("--kv-heads",
                     std::to_string(shape.kv_heads) + " does not divide the " +
                         std::to_string(shape.query_heads) + " query heads",
                     "give a divisor of --query-heads");
  }
  if (shape.head_dim % 8 != 0) {
    throw UsageError("--head-dim", std::to_string(shape.head_dim) + " is not a multiple of 8",
                     "give 64, 80, 96, 112, 128, 192 or 256, for example");
  }
}

std::uint64_t file_bytes(const SynthSpec& spec) {
  const AttentionShape& shape = spec.shape;
  // Readers count in bits.
  std::uint64_t bits = 8 * static_cast<std::uint64_t>(element_bytes(spec.element));
  for (const std::int64_t n :
       {spec.layers, shape.query_heads + 2 * shape.kv_heads, spec.tokens(), shape.head_dim}) {
    if (__builtin_mul_overflow(bits, static_cast<std::uint64_t>(n), &bits)) {
      throw UsageError("--prompt", "with these layers, heads and tokens no file is large enough",
                       "give fewer");
    }
  }
  return bits / 8;
}

// 1 / sqrt(head_dim), to the nearest double: a Newton step mends what the two roundings lost.
double softmax_scale(std::int64_t head_dim) {
  const auto d = static_cast<double>(head_dim);
  const double scale = 1 / std::sqrt(d);
  const double square = scale * scale;
  const double lost = std::fma(scale, scale, -square);
  return std::fma(scale, (std::fma(-d, square, 1.0) - d * lost) / 2, scale);
}

std::string shortest_decimal(double x) {
  std::array<char, 32> text{};
  char* const end = std::to_chars(text.data(), text.data() + text.size(), x).ptr;
  return {text.data(), end};
}

}  // namespace

std::uint64_t checked_bytes(const SynthSpec& spec) {
  static_cast<void>(find_profile(spec.profile));
  if (spec.element == ElementType::f32) {
    throw UsageError("--dtype", "'fp32' is not what it takes", "give fp16 or bf16");
  }
  require_range("--layers", spec.layers, 1, kMaxSynthLayers);
  check_shape(spec.shape);
  require_range("--prompt", spec.prompt_length, 1, kMaxTokens);
  const std::int64_t left = kMaxTokens - spec.prompt_length;
  if (spec.decode_length < 0 || spec.decode_length > left) {
    throw UsageError("--decode",
                     std::to_string(spec.decode_length) + " steps do not fit after " +
                         std::to_string(spec.prompt_length) + " prompt tokens",
                     "give 0 to " + std::to_string(left) + ", or a shorter prompt");
  }
  return file_bytes(spec);
}

Metadata metadata(const SynthSpec& spec) {
  return {
      {"format", "mikv-trace"},
      {"version", "1"},
      {"model", "synthetic:" + spec.profile},
      {"description", "not recorded: generator " + std::to_string(kGeneratorVersion) +
                          ", profile " + spec.profile + ", seed " + std::to_string(spec.seed)},
      {"producer", "mikv trace synth"},
      {"num_layers", std::to_string(spec.layers)},
      {"num_query_heads", std::to_string(spec.shape.query_heads)},
      {"num_kv_heads", std::to_string(spec.shape.kv_heads)},
      {"head_dim", std::to_string(spec.shape.head_dim)},
      {"prompt_length", std::to_string(spec.prompt_length)},
      {"decode_length", std::to_string(spec.decode_length)},
      {"softmax_scale", shortest_decimal(softmax_scale(spec.shape.head_dim))},
      {"layout", "heads,tokens,head_dim"},
      {"rope", "applied"},
  };
}

std::vector<TensorSpec> tensors(const SynthSpec& spec) {
  std::vector<TensorSpec> tensors;
  for (std::int64_t layer = 0; layer < spec.layers; ++layer) {
    for (const char* part : {"q", "k", "v"}) {
      const std::int64_t heads = *part == 'q' ? spec.shape.query_heads : spec.shape.kv_heads;
      tensors.push_back(
          {"layers." + std::to_string(layer) + "." + part,
           std::string(dtype_name(spec.element)),
           {static_cast<std::uint64_t>(heads), static_cast<std::uint64_t>(spec.tokens()),
            static_cast<std::uint64_t>(spec.shape.head_dim)}});
    }
  }
  return tensors;
}

}  // namespace mikv::trace::synth
