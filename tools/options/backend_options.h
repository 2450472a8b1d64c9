// SPDX-License-Identifier: Apache-2.0
// Which implementation a command runs, and where.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "tools/replay/replay.h"

namespace mikv::tools {

/// --backend, --device and --devices.
struct BackendOptions {
  Backend backend = Backend::cpu;
  int device = 0;
  std::string devices;

  void add_to(CLI::App& command);

  /// CUDA devices by index; empty for the CPU back end. Throws UsageError for a list that is none,
  /// DeviceError where --devices all finds no device.
  [[nodiscard]] std::vector<int> device_list() const;
};

}  // namespace mikv::tools
