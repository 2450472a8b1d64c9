// SPDX-License-Identifier: Apache-2.0
// A shared library of kernels (core/mikv.h). It is only ever loaded in child processes.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "core/mikv.h"
#include "tools/kernel_test/case_spec.h"

namespace mikv::kernel_test {

/// What a plug-in says about itself.
struct PluginInfo {
  std::string path;
  std::string name;
  mikv_memory memory = MIKV_MEMORY_HOST;
  std::vector<Operation> operations;  ///< that it has
};

/// Loads the plug-in in a child process. Throws InputError if it cannot be loaded, lacks its
/// function, or is made for another version of the interface; DeviceError if it needs a device and
/// there is none. It may take so long. This process itself never touches a device: its children
/// could not use it.
[[nodiscard]] PluginInfo probe_plugin(const std::string& path, std::chrono::milliseconds limit);

/// In a child process: the kernels of a plug-in that was probed; nullptr if it no longer loads.
[[nodiscard]] const mikv_kernels* load_kernels(const std::string& path);

}  // namespace mikv::kernel_test
