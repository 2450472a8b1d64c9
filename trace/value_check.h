// SPDX-License-Identifier: Apache-2.0
// One pass over a trace's bytes before any number is used: every element finite, and the file's
// checksum.
#pragma once

#include <cstdint>
#include <string>

#include "trace/trace_reader.h"

namespace mikv::trace {

/// Reads the whole file once, in bounded memory. Throws InputError naming the tensor, head, token
/// and channel of the first NaN or infinity in q, k, v or o. Returns the file's checksum as
/// "xxh128:<32 hex digits>" (XXH3-128, what the program xxh128sum prints).
[[nodiscard]] std::string check_values(const TraceReader& reader);

}  // namespace mikv::trace
