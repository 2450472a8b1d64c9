// SPDX-License-Identifier: Apache-2.0
// Traces made in memory, valid or broken on purpose.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/shape.h"

namespace mikv::test {

/// A trace with one tensor row generated at a time.
struct TraceSpec {
  std::int64_t layers = 2;
  std::int64_t query_heads = 4;
  std::int64_t kv_heads = 2;
  std::int64_t head_dim = 16;
  std::int64_t prompt_length = 8;
  std::int64_t decode_length = 4;
  ElementType element = ElementType::f16;
  std::uint64_t seed = 1;
  double standard_deviation = 1;
  bool output = false;  ///< also layers.<i>.o, exact attention rounded to the element type
  /// Replaces a generated value if set: (tensor name such as "layers.0.k", head, token, channel,
  /// value).
  std::function<float(const std::string&, std::int64_t, std::int64_t, std::int64_t, float)> change;

  [[nodiscard]] std::int64_t tokens() const { return prompt_length + decode_length; }
  [[nodiscard]] AttentionShape shape() const { return {query_heads, kv_heads, head_dim}; }
};

/// Metadata as a valid trace has it.
[[nodiscard]] std::map<std::string, std::string> metadata(const TraceSpec& spec);

/// Writes the trace; its values are normal random numbers rounded to the element type.
void write_trace(const TraceSpec& spec, const std::string& path);

/// A safetensors file of any header text, followed by data: length, header, data.
[[nodiscard]] std::string safetensors_file(const std::string& header, const std::string& data);

/// A float as the bits of an element type, rounded to nearest; for building inputs.
[[nodiscard]] std::uint32_t to_element(float value, ElementType type);

}  // namespace mikv::test
