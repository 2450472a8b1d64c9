// SPDX-License-Identifier: Apache-2.0
// Traces of any shape without a model, the same bytes on every machine (trace/SYNTH.md).
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "trace/synth/synth_spec.h"

namespace mikv::trace::synth {

/// Called after each finished head of q, k or v.
using HeadProgress = std::function<void(std::int64_t done, std::int64_t of)>;

/// Writes the trace, in memory of a few rows. Throws UsageError for a spec that makes no readable
/// trace, InputError if the file cannot be written or there is too little space for it.
void synthesize(const SynthSpec& spec, const std::string& path, const HeadProgress& progress = {});

}  // namespace mikv::trace::synth
