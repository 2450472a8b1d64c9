// SPDX-License-Identifier: Apache-2.0
// What replay reports know of each layer: which settings cost which error.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/cache_config.h"
#include "tools/plan/model/model_shape.h"

namespace mikv::tools {

/// Settings of a layer that were replayed, and what they cost.
struct MeasuredChoice {
  std::string kv;           ///< as an entry of --plan
  double output_error = 0;  ///< relative
};

/// A layer of a trace.
struct MeasuredLayer {
  double output_norm = 0;  ///< what output_error is relative to
  std::vector<MeasuredChoice> choices;
};

/// All reports together.
struct MeasuredLayers {
  ModelShape model;  ///< as far as a trace knows it
  std::map<std::int64_t, MeasuredLayer> layers;
  CacheConfig cache;        ///< policy, recent share and seed, which all reports share
  std::int64_t tokens = 0;  ///< that were replayed
};

/// Reads reports of 'mikv replay --json'. Throws InputError for reports that do not fit together:
/// of different traces, policies, recent shares or seeds, or without an output error.
[[nodiscard]] MeasuredLayers read_measured_layers(const std::vector<std::string>& paths);

}  // namespace mikv::tools
