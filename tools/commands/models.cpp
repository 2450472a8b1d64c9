// SPDX-License-Identifier: Apache-2.0
// mikv models: what the catalogue knows.
#include <memory>
#include <vector>

#include "tools/commands/command.h"
#include "tools/options/common_options.h"
#include "tools/plan/model/catalogue.h"
#include "tools/report/document.h"
#include "tools/report/models_report.h"
#include "tools/support/output.h"

namespace mikv::tools {
namespace {

void list_models(const CommonOptions& common) {
  common.check({});
  std::vector<ModelShape> models;
  for (const std::string_view name : catalogue_names()) models.push_back(catalogue_model(name));
  const nlohmann::json document = models_json(models);
  std::vector<Document> documents;
  if (!common.json.empty()) documents.push_back({common.json, to_text(document)});
  if (!common.csv.empty()) documents.push_back({common.csv, models_csv(document)});
  write_documents(documents);
  if (common.quiet || common.stdout_is_taken()) return;
  print_out(models_table(models, use_color(common.color)));
}

}  // namespace

void add_models_command(CLI::App& app, ExitCode& /*result*/) {
  CLI::App* command = app.add_subcommand("models", "List the models that plan knows by name");
  const auto common = std::make_shared<CommonOptions>();
  common->add_json(*command);
  common->add_csv(*command, "write a row a model as CSV to FILE (- = stdout)");
  common->add_quiet(*command);
  common->add_color(*command);
  command->footer(
      "Examples:\n"
      "  mikv models\n"
      "  mikv models --json - | jq -r '.models[].name'");
  command->callback([common] { list_models(*common); });
}

}  // namespace mikv::tools
