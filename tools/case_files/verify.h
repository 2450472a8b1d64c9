// SPDX-License-Identifier: Apache-2.0
// Judges results that came back as files.
#pragma once

#include <string>
#include <vector>

#include "tools/case_files/manifest.h"
#include "tools/kernel_test/suite.h"

namespace mikv::tools {

/// Each case against the file of the same name in the folder of results: one tensor an output,
/// under its plain name; rows that are no outputs, and other tensors, are ignored. What is not
/// there fails its case; a file that is malformed, or a tensor of another dtype or shape, is its
/// case's error. Throws InputError if there is no such folder, or a case is none.
[[nodiscard]] std::vector<kernel_test::CaseResult> verify_cases(
    const std::vector<ExportedCase>& cases, const std::string& results,
    const kernel_test::SuiteOptions& options);

}  // namespace mikv::tools
