// SPDX-License-Identifier: Apache-2.0
// What a trace says of itself: the metadata of the container (trace/FORMAT.md), parsed and written.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/shape.h"

namespace mikv::trace {

using Metadata = std::map<std::string, std::string>;

/// What a trace may say at most.
inline constexpr std::int64_t kMaxLayers = 65'536;
inline constexpr std::int64_t kMaxHeads = 65'536;
inline constexpr std::int64_t kMaxHeadDim = 65'536;
inline constexpr std::int64_t kMaxTokens = 0xffff'ffff;

/// The metadata of a trace, checked.
struct TraceHeader {
  std::string model;
  std::string description;
  std::string producer;         ///< empty where absent
  std::string model_revision;   ///< empty where absent
  std::int64_t num_layers = 0;  ///< of the model; the file may hold fewer
  AttentionShape shape;
  std::int64_t prompt_length = 0;
  std::int64_t decode_length = 0;
  double softmax_scale = 0;
  std::vector<std::int64_t>
      sliding_window;  ///< one a layer of the model, 0 = none; empty where absent
  double softcap = 0;  ///< 0 = none
  bool sinks = false;

  [[nodiscard]] std::int64_t tokens() const { return prompt_length + decode_length; }
};

/// Reads and checks the metadata. Throws InputError naming the field.
[[nodiscard]] TraceHeader parse_trace_header(const Metadata& metadata, std::string_view file_name);

/// What a layer needs beyond plain causal attention, in words ("a sliding window of 128 tokens"),
/// or nullopt. A window that spans the whole trace changes nothing.
[[nodiscard]] std::optional<std::string> unsupported_feature(const TraceHeader& header,
                                                             std::int64_t layer);

}  // namespace mikv::trace
