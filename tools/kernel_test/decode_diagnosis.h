// SPDX-License-Identifier: Apache-2.0
// Which known fault explains wrong outputs?
#pragma once

#include <span>
#include <string>

#include "core/mikv.h"
#include "tools/kernel_test/case_array.h"

namespace mikv::kernel_test {

/// The id of the fault whose outputs these are, within the bounds of the judgement [sequences *
/// query_heads]: one of decode_faults(), "zeros", "unwritten", "copied_queries"; empty if none
/// fits.
[[nodiscard]] std::string diagnose_decode(const mikv_decode_args& args, const CaseArray& outputs,
                                          std::span<const double> bounds);

}  // namespace mikv::kernel_test
