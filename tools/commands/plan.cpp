// SPDX-License-Identifier: Apache-2.0
// mikv plan: what fits this memory, and which formats get there?
#include <memory>
#include <optional>

#include "tools/commands/command.h"
#include "tools/options/common_options.h"
#include "tools/options/config_file.h"
#include "tools/options/number.h"
#include "tools/options/plan_options.h"
#include "tools/options/value_type.h"
#include "tools/plan/export_plan.h"
#include "tools/plan/log/hypotheses.h"
#include "tools/plan/log/log_check.h"
#include "tools/plan/planner.h"
#include "tools/plan/solver/solve.h"
#include "tools/report/csv.h"
#include "tools/report/document.h"
#include "tools/report/log_check_report.h"
#include "tools/report/plan_json.h"
#include "tools/report/plan_table.h"
#include "tools/report/solution_text.h"
#include "tools/support/output.h"
#include "tools/support/text_file.h"

namespace mikv::tools {
namespace {

struct Plan {
  PlanOptions options;
  CommonOptions common;
  std::string export_file;
  std::vector<std::string> reports;
  std::string log;
  std::optional<double> max_error;

  void add_to(CLI::App& command);
  ExitCode run() const;

 private:
  void check_files() const;
  ExitCode answer_question() const;
  ExitCode solve_reports() const;
  ExitCode compare_with_log() const;
  std::vector<EngineAnswer> all_engines(const PlanRequest& request) const;
  void write(const nlohmann::json& document, const PlanAnswer& answer,
             const ModelShape& model) const;
  bool prints() const { return !common.quiet && !common.stdout_is_taken(); }
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
  command.add_option("--reports", reports, "find the plan, out of what 'replay --json' measured")
      ->type_name(kFileType)
      ->group("Run");
  command
      .add_option_function<std::string>(
          "--max-output-error",
          [this](const std::string& text) {
            max_error = parse_number("--max-output-error", text);
            if (*max_error < 0) {
              throw UsageError("--max-output-error", text + " is below 0", "give an error, 0.15");
            }
          },
          "with --reports: fewest bytes with no more error")
      ->type_name("X")
      ->group("Run");
  command.add_option("--check-log", log, "compare with what an engine logged at its start")
      ->type_name(kFileType)
      ->group("Run");
  common.add_config(command);
  command.footer(
      "Bytes are of one GPU. Exit code 1: what is asked for does not fit, or a log disagrees.\n"
      "Examples:\n"
      "  mikv plan --model llama-3.1-8b --gpu h100 --context 32768 --kv mikv\n"
      "  mikv plan --model config.json --kv-memory 20GiB --engine vllm --kv fp8");
}

void Plan::check_files() const {
  std::vector<NamedFile> inputs{{"--model", options.model()},
                                {"--config", common.config},
                                {"--plan", options.plan()},
                                {"--check-log", log}};
  for (const std::string& report : reports) inputs.push_back({"--reports", report});
  common.check(inputs, {{"--export", export_file}});
}

ExitCode Plan::run() const {
  check_files();
  if (!log.empty()) return compare_with_log();
  if (!reports.empty()) return solve_reports();
  if (max_error) {
    throw UsageError("--max-output-error", "is given without --reports",
                     "give reports of 'mikv replay --json'");
  }
  return answer_question();
}

std::vector<EngineAnswer> Plan::all_engines(const PlanRequest& request) const {
  std::vector<EngineAnswer> answers;
  if (!options.all_engines()) return answers;
  for (const EngineInfo* info : engine_list()) {
    EngineAnswer& engine = answers.emplace_back();
    engine.engine = info->name;
    PlanRequest own = request;
    own.engine = options.engine_options(*info);
    try {
      engine.answer = plan(own, *info);
    } catch (const UsageError& error) {
      engine.refusal = error.what();
    }
  }
  return answers;
}

void Plan::write(const nlohmann::json& document, const PlanAnswer& answer,
                 const ModelShape& model) const {
  std::vector<Document> documents;
  if (!common.json.empty()) documents.push_back({common.json, to_text(document)});
  if (!common.csv.empty()) documents.push_back({common.csv, layers_csv(document["plan"])});
  if (!export_file.empty())
    documents.push_back({export_file, to_text(plan_file_json(answer, model.element))});
  write_documents(documents);
}

ExitCode Plan::answer_question() const {
  const EngineInfo& engine = options.all_engines() ? engines::ideal : engine_info(options.engine());
  const PlanRequest request = options.request(engine);
  options.require_effect(make_engine(request, engine)->layers());
  const std::vector<EngineAnswer> engines = all_engines(request);
  const PlanAnswer answer = plan(request, engine);
  write(plan_json(options, request, answer, engines), answer, request.model);
  if (prints()) {
    const bool color = use_color(common.color);
    print_out(plan_table(options, request, answer, color));
    if (!engines.empty()) print_out("\n" + engines_table(engines, color));
  }
  return answer.answers() ? ExitCode::ok : ExitCode::threshold;
}

ExitCode Plan::solve_reports() const {
  if (options.engine() != engines::ideal.name) {
    throw UsageError("--engine", "only ideal keeps what --reports measured", "leave it out");
  }
  if (!options.plan().empty()) {
    throw UsageError("--plan", "cannot be given with --reports, which find one", "leave it out");
  }
  options.require_no_measured_settings();
  const MeasuredLayers measured = read_measured_layers(reports);
  PlanRequest request = options.model().empty() ? options.request(engines::ideal, measured.model)
                                                : options.request(engines::ideal);
  request.kv.cache.policy = measured.cache.policy;
  request.kv.cache.recent_share = measured.cache.recent_share;
  request.kv.cache.seed = measured.cache.seed;
  request.kv.cache.group_size.reset();  // the measured settings say theirs
  if (!request.context) request.context = request.model.max_context.value_or(measured.tokens);
  if (!request.sequences) request.sequences = 1;
  const SolverQuestion question{kv_memory(request, *make_engine(request, engines::ideal)),
                                max_error};
  const Solution solution = solve(measured, request, question.kv_memory, max_error);
  request.kv.plan = solution.best.value_or(solution.smallest).plan;
  options.require_effect(make_engine(request, engines::ideal)->layers());
  const PlanAnswer answer = plan(request, engines::ideal);
  nlohmann::json document = plan_json(options, request, answer, {});
  document["solution"] = solution_json(solution, question);
  write(document, answer, request.model);
  if (prints()) {
    const bool color = use_color(common.color);
    print_out(plan_table(options, request, answer, color) + "\n" +
              solution_text(solution, question, color));
  }
  const bool within =
      solution.best && (!max_error || solution.best->output_error <= *max_error * (1 + 1e-12));
  const bool asked = question.kv_memory || max_error;
  return !asked || within ? ExitCode::ok : ExitCode::threshold;
}

ExitCode Plan::compare_with_log() const {
  if (!reports.empty() || !common.csv.empty() || !export_file.empty()) {
    throw UsageError("--check-log", "has no use for --reports, --csv or --export",
                     "leave them out");
  }
  if (max_error) {
    throw UsageError("--max-output-error", "is given without --reports", "leave it out");
  }
  options.require_use_beside_log();
  LogCheck check;
  check.file = log;
  constexpr const char* kRemedy = "give the start-up log of vLLM, SGLang or llama.cpp";
  const auto parsed = parse_engine_log(read_text_file(log, kRemedy));
  if (!parsed) throw InputError(log, "", "has no line about a KV cache that it knows", kRemedy);
  check.log = *parsed;
  if (options.engine() != engines::ideal.name && options.engine() != check.log.engine) {
    throw UsageError("--engine", "is not " + check.log.engine + ", whose log this is",
                     "leave it out");
  }
  const EngineInfo& info = engine_info(check.log.engine);
  const PlanRequest request = with_version_of(check.log, options.request(info));
  const std::unique_ptr<Engine> engine = make_engine(request, info);
  options.require_effect(engine->layers());
  check.settings = engine->settings();
  check.comparisons = compare_log(check.log, request);
  const bool agreed = agrees(check.comparisons);
  if (!agreed) check.explanations = explanations(check.log, request);
  if (!common.json.empty()) {
    write_documents({{common.json, to_text(log_check_json(check, request.model))}});
  }
  if (prints()) print_out(log_check_table(check, request.model, use_color(common.color)));
  return agreed ? ExitCode::ok : ExitCode::threshold;
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
