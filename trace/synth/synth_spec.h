// SPDX-License-Identifier: Apache-2.0
// What a synthetic trace is made from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/shape.h"
#include "trace/safetensors_header.h"
#include "trace/safetensors_writer.h"
#include "trace/trace_format.h"

namespace mikv::trace::synth {

/// Raised whenever the same spec gives other values.
inline constexpr int kGeneratorVersion = 1;

/// q, k and v a layer.
inline constexpr std::int64_t kTensorsPerLayer = 3;
/// A file holds no more tensors.
inline constexpr std::int64_t kMaxSynthLayers =
    static_cast<std::int64_t>(kMaxTensors) / kTensorsPerLayer;

/// The defaults are one layer of Llama-3-8B's shape.
struct SynthSpec {
  std::string profile = "llama-like";
  std::int64_t layers = 1;
  AttentionShape shape{.query_heads = 32, .kv_heads = 8, .head_dim = 128};
  std::int64_t prompt_length = 512;
  std::int64_t decode_length = 64;
  ElementType element = ElementType::f16;
  std::uint64_t seed = 0;

  [[nodiscard]] std::int64_t tokens() const { return prompt_length + decode_length; }
};

/// Bytes of all tensors. Throws UsageError, naming the option of 'mikv trace synth', for a spec
/// that makes no trace or one that could not be read.
std::uint64_t checked_bytes(const SynthSpec& spec);

/// The metadata and tensors of a checked spec.
[[nodiscard]] Metadata metadata(const SynthSpec& spec);
[[nodiscard]] std::vector<TensorSpec> tensors(const SynthSpec& spec);

}  // namespace mikv::trace::synth
