// SPDX-License-Identifier: Apache-2.0
#include "tools/options/common_options.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <thread>
#include <utility>

#include "core/error.h"
#include "tools/options/number.h"
#include "tools/options/value_type.h"
#include "tools/support/output.h"

namespace mikv::tools {
namespace {

constexpr const char* kGroup = "Output";
constexpr std::uint64_t kMaxThreads = 4096;

constexpr std::array<std::pair<std::string_view, ColorMode>, 3> kColorModes{
    {{"auto", ColorMode::automatic}, {"always", ColorMode::always}, {"never", ColorMode::never}}};

ColorMode parse_color(const std::string& text) {
  for (const auto& [name, mode] : kColorModes) {
    if (text == name) return mode;
  }
  throw UsageError("--color", "'" + text + "' is not what it takes", "give auto, always or never");
}

}  // namespace

void CommonOptions::add_json(CLI::App& command) {
  command.add_option("--json", json, "write the JSON document to FILE (- = stdout)")
      ->type_name(kFileType)
      ->group(kGroup);
}

void CommonOptions::add_csv(CLI::App& command, const std::string& summary) {
  command.add_option("--csv", csv, summary)->type_name(kFileType)->group(kGroup);
}

void CommonOptions::add_config(CLI::App& command) {
  command.add_option("--config", config, "take options from a JSON file; the command line wins")
      ->type_name(kFileType)
      ->group("Run");
}

void CommonOptions::add_threads(CLI::App& command) {
  const auto set = [this](const std::string& text) {
    threads = static_cast<int>(parse_count("--threads", text, 1, kMaxThreads));
  };
  command
      .add_option_function<std::string>("--threads", set,
                                        "threads [all]; results do not depend on it")
      ->type_name("N")
      ->group("Run");
}

void CommonOptions::add_fail_if(CLI::App& command, const std::string& rows) {
  command
      .add_option("--fail-if", fail_if,
                  "exit 1 if true for any " + rows +
                      ", or for total.METRIC: 'output_error > 0.2'; repeatable")
      ->type_name("'METRIC OP NUMBER'")
      ->group("Run");
}

void CommonOptions::add_quiet(CLI::App& command) {
  command.add_flag("--quiet", quiet, "print no table and no progress")->group(kGroup);
}

void CommonOptions::add_color(CLI::App& command) {
  const auto set = [this](const std::string& text) { color = parse_color(text); };
  CLI::Option* option =
      command.add_option_function<std::string>("--color", set, "auto, always or never [auto]")
          ->type_name("WHEN")
          ->group(kGroup);
  set_words(*option, names(kColorModes));
}

void CommonOptions::check(const std::vector<NamedFile>& inputs,
                          const std::vector<NamedFile>& more_outputs) const {
  if (json == "-" && csv == "-") {
    throw UsageError("--csv", "cannot share stdout with --json", "write one of them to a file");
  }
  std::vector<NamedFile> outputs{{"--json", json}, {"--csv", csv}};
  outputs.insert(outputs.end(), more_outputs.begin(), more_outputs.end());
  require_distinct(inputs, outputs);
  for (const NamedFile& output : outputs) {
    if (!output.path.empty()) require_writable(output.path);
  }
}

int CommonOptions::thread_count() const {
  if (threads > 0) return threads;
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace mikv::tools
