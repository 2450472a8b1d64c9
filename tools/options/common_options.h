// SPDX-License-Identifier: Apache-2.0
// Options that commands share.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "tools/support/distinct_files.h"
#include "tools/support/terminal.h"

namespace mikv::tools {

/// Output, threads, --config and --fail-if.
struct CommonOptions {
  std::string json;
  std::string csv;
  std::string config;
  int threads = 0;  ///< 0 = all
  bool quiet = false;
  ColorMode color = ColorMode::automatic;
  std::vector<std::string> fail_if;

  void add_json(CLI::App& command);
  void add_csv(CLI::App& command,
               const std::string& summary = "write a row a layer as CSV to FILE (- = stdout)");
  void add_config(CLI::App& command);
  void add_threads(CLI::App& command);
  void add_fail_if(CLI::App& command, const std::string& rows = "layer");
  void add_quiet(CLI::App& command);
  void add_color(CLI::App& command);

  /// Whether a document goes to stdout, so that nothing else may.
  [[nodiscard]] bool stdout_is_taken() const { return json == "-" || csv == "-"; }
  /// Throws UsageError if two documents would share stdout or a file, or one would replace an
  /// input; InputError if one cannot be written.
  void check(const std::vector<NamedFile>& inputs,
             const std::vector<NamedFile>& more_outputs = {}) const;
  /// --threads, or the number of processors.
  [[nodiscard]] int thread_count() const;
};

}  // namespace mikv::tools
