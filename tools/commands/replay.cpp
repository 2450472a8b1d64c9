// SPDX-License-Identifier: Apache-2.0
// mikv replay: what does this configuration cost my model?
#include "tools/replay/replay.h"

#include <fmt/format.h>

#include <memory>
#include <optional>

#include "tools/commands/command.h"
#include "tools/options/backend_options.h"
#include "tools/options/cache_options.h"
#include "tools/options/common_options.h"
#include "tools/options/config_file.h"
#include "tools/options/fail_if.h"
#include "tools/options/value_type.h"
#include "tools/report/csv.h"
#include "tools/report/divergence_text.h"
#include "tools/report/document.h"
#include "tools/report/replay_json.h"
#include "tools/report/replay_table.h"
#include "tools/support/open_trace.h"
#include "tools/support/output.h"

namespace mikv::tools {
namespace {

struct Replay {
  std::string trace;
  bool hashes = false;
  CacheOptions cache;
  BackendOptions backend;
  CommonOptions common;

  void add_to(CLI::App& command);
  ExitCode run() const;

 private:
  void write(const trace::TraceReader& reader, const CacheConfig& config,
             const ReplayResult& result, const nlohmann::json& document) const;
};

void Replay::add_to(CLI::App& command) {
  command.add_option("TRACE", trace, "a recorded trace (safetensors, see trace/FORMAT.md)")
      ->type_name(kFileType)
      ->required();
  cache.add_to(command);
  common.add_json(command);
  common.add_csv(command);
  command.add_flag("--hashes", hashes, "hash what each stage computes")->group("Output");
  common.add_quiet(command);
  common.add_color(command);
  backend.add_to(command);
  common.add_threads(command);
  common.add_config(command);
  common.add_fail_if(command);
  command.footer(
      "METRIC is a number of the JSON report, by its dotted name: core/ALGORITHM.md, \"What a "
      "replay\n"
      "reports\", lists them.\n"
      "Examples:\n"
      "  mikv replay trace.safetensors --importance-ratio 0.2 --retained-format int2\n"
      "  mikv replay trace.safetensors --json report.json --fail-if 'total.output_error > 0.2'");
}

ExitCode Replay::run() const {
  common.check({{"TRACE", trace}, {"--config", common.config}, {"--plan", cache.plan()}});
  const std::vector<Condition> conditions = parse_conditions(common.fail_if);
  require_metrics(conditions, replay_fields());
  const CacheConfig& config = cache.config();
  const trace::TraceReader reader = open_trace(trace);
  require_layers(config.plan, reader.header().num_layers);
  ReplayResult result;
  {
    Progress progress(common.quiet);
    result = replay(reader, {&config, 1},
                    {.backend = backend.backend,
                     .devices = backend.device_list(),
                     .threads = common.thread_count(),
                     .hashes = hashes,
                     .progress = [&progress](std::int64_t done,
                                             std::int64_t of) { progress.update(done, of); }})
                 .front();
  }
  const nlohmann::json document = replay_json(reader, config, result);
  write(reader, config, result, document);
  const std::vector<std::string> violated = violations(conditions, document);
  for (const std::string& line : violated) fmt::print(stderr, "mikv: {}\n", line);
  const bool diverged = result.divergence && result.divergence->mismatched() > 0;
  return violated.empty() && !diverged ? ExitCode::ok : ExitCode::threshold;
}

void Replay::write(const trace::TraceReader& reader, const CacheConfig& config,
                   const ReplayResult& result, const nlohmann::json& document) const {
  std::vector<Document> documents;
  if (!common.json.empty()) documents.push_back({common.json, to_text(document)});
  if (!common.csv.empty()) documents.push_back({common.csv, layers_csv(document)});
  write_documents(documents);
  if (common.quiet || common.stdout_is_taken()) return;
  print_out(replay_table(reader, config, result, use_color(common.color)));
  if (result.divergence) print_out("\n" + divergence_table(result));
  if (hashes) print_out("\nhashes\n" + document["total"]["hashes"].dump(2) + "\n");
}

}  // namespace

void add_replay_command(CLI::App& app, ExitCode& result) {
  CLI::App* command = app.add_subcommand("replay", "Run a recorded trace through a MiKV cache");
  const auto replay = std::make_shared<Replay>();
  replay->add_to(*command);
  command->callback([command, replay, &result] {
    std::optional<ConfigFile> config;
    if (!replay->common.config.empty()) config.emplace(*command, replay->common.config);
    try {
      result = replay->run();
    } catch (const UsageError& error) {
      if (config) config->refuse(error);
      throw;
    }
  });
}

}  // namespace mikv::tools
