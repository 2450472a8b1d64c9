// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mikv::tools {

/// Bytes of a GPU's memory by its name ("h200"): nominal, or as the driver reports them. Engines
/// see a little less. Throws UsageError.
[[nodiscard]] std::int64_t gpu_memory(const std::string& name);

[[nodiscard]] std::vector<std::string> gpu_names();

}  // namespace mikv::tools
