// SPDX-License-Identifier: Apache-2.0
// Cuts a smaller trace out of a larger one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "trace/trace_reader.h"

namespace mikv::trace {

/// What to keep; absent = all. Tokens are kept from the first on, so that every kept row still sees
/// all it saw when it was recorded; the split into prompt and decode tokens may be chosen anew.
struct SliceSpec {
  std::vector<std::int64_t> layers;    ///< empty = all
  std::vector<std::int64_t> kv_heads;  ///< empty = all; with their query heads
  std::optional<std::int64_t> prompt_length;
  std::optional<std::int64_t> decode_length;
  bool output = true;  ///< keep layers.<i>.o
};

/// Writes the slice; tensors that version 1 does not define are left out. Throws UsageError if the
/// trace does not have what the spec asks for, InputError for a trace with attention sinks.
void slice(const TraceReader& reader, const SliceSpec& spec, const std::string& path);

}  // namespace mikv::trace
