// SPDX-License-Identifier: Apache-2.0
// The list of exported cases: what a program needs to know of each beside its tensors.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/kernel_test/case_spec.h"
#include "tools/kernel_test/kernel_case.h"

namespace mikv::tools {

inline constexpr const char* kManifestName = "manifest.json";

/// A case and the file of its tensors, beside the manifest.
struct ExportedCase {
  kernel_test::CaseSpec spec;
  std::string file;
};

/// An entry of "cases", as tools/schemas/cases.schema.json describes it.
[[nodiscard]] nlohmann::json case_entry(const ExportedCase& exported,
                                        kernel_test::KernelCase& kernel_case);

/// Throws UsageError if the case is too large for files.
void require_small(const kernel_test::CaseSpec& spec);

/// Reads the cases of a manifest. Throws InputError on one that export would not write.
[[nodiscard]] std::vector<ExportedCase> read_manifest(const std::string& path);

}  // namespace mikv::tools
