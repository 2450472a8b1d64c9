// SPDX-License-Identifier: Apache-2.0
// mikv plan: what fits this memory, and which formats get there?
#include <memory>
#include <optional>

#include "tools/commands/command.h"
#include "tools/options/common_options.h"
#include "tools/options/config_file.h"
#include "tools/options/plan_options.h"
#include "tools/options/value_type.h"
#include "tools/plan/export_plan.h"
#include "tools/plan/planner.h"
#include "tools/report/csv.h"
#include "tools/report/document.h"
#include "tools/report/plan_json.h"
#include "tools/report/plan_table.h"
#include "tools/support/output.h"

namespace mikv::tools {
namespace {

struct Plan {
  PlanOptions options;
  CommonOptions common;
  std::string export_file;

  void add_to(CLI::App& command);
  ExitCode run() const;

 private:
  std::vector<EngineAnswer> all_engines(const PlanRequest& request) const;
};

void Plan::add_to(CLI::App& command) {
  options.add_to(command);
  common.add_json(command);
  common.add_csv(command);
  command
      .add_option("--export", export_file, "write the formats by layer as a plan file for replay")
      ->type_name(kFileType)
      ->group("Output");
  common.add_quiet(command);
  common.add_color(command);
  common.add_config(command);
  command.footer(
      "Bytes are of one GPU. Exit code 1: what is asked for does not fit, or a log disagrees.\n"
      "Examples:\n"
      "  mikv plan --model llama-3.1-8b --gpu h100 --context 32768 --kv mikv\n"
      "  mikv plan --model config.json --kv-memory 20GiB --engine vllm --kv fp8");
}

std::vector<EngineAnswer> Plan::all_engines(const PlanRequest& request) const {
  std::vector<EngineAnswer> answers;
  if (options.engine() != "all") return answers;
  for (const EngineInfo* info : engine_list()) {
    EngineAnswer& engine = answers.emplace_back();
    engine.engine = info->name;
    try {
      engine.answer = plan(request, *info);
    } catch (const UsageError& error) {
      engine.refusal = error.what();
    }
  }
  return answers;
}

ExitCode Plan::run() const {
  common.check(
      {{"--model", options.model()}, {"--config", common.config}, {"--plan", options.plan()}},
      {{"--export", export_file}});
  const PlanRequest request = options.request();
  const std::vector<EngineAnswer> engines = all_engines(request);
  const PlanAnswer answer =
      plan(request, engine_info(engines.empty() ? options.engine() : "ideal"));
  const nlohmann::json document = plan_json(options, request, answer, engines);
  std::vector<Document> documents;
  if (!common.json.empty()) documents.push_back({common.json, to_text(document)});
  if (!common.csv.empty()) documents.push_back({common.csv, layers_csv(document["plan"])});
  if (!export_file.empty()) {
    documents.push_back({export_file, to_text(plan_file_json(answer))});
  }
  write_documents(documents);
  if (!common.quiet && !common.stdout_is_taken()) {
    const bool color = use_color(common.color);
    print_out(plan_table(options, request, answer, color));
    if (!engines.empty()) print_out("\n" + engines_table(engines, color));
  }
  return answer.fits() ? ExitCode::ok : ExitCode::threshold;
}

}  // namespace

void add_plan_command(CLI::App& app, ExitCode& result) {
  CLI::App* command = app.add_subcommand("plan", "What fits a GPU's memory, and in which formats");
  const auto plan = std::make_shared<Plan>();
  plan->add_to(*command);
  command->callback([command, plan, &result] {
    std::optional<ConfigFile> config;
    if (!plan->common.config.empty()) config.emplace(*command, plan->common.config);
    try {
      result = plan->run();
    } catch (const UsageError& error) {
      if (config) config->refuse(error);
      throw;
    }
  });
}

}  // namespace mikv::tools
