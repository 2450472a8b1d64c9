// SPDX-License-Identifier: Apache-2.0
// Writes test cases as files, for programs that link nothing of this project.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/kernel_test/case_spec.h"

namespace mikv::tools {

/// What was written.
struct Export {
  std::int64_t cases = 0;
  std::uint64_t bytes = 0;  ///< of all files, the manifest included
};

/// One safetensors file a case, at last the manifest: a folder that has one is complete. The folder
/// is made; files that an earlier manifest there lists are removed. Arrays are dense whatever the
/// case's layout. Throws UsageError if a case has nothing to do or is too large, InputError if a
/// file cannot be written.
Export export_cases(const std::string& folder, const std::vector<kernel_test::CaseSpec>& specs);

}  // namespace mikv::tools
