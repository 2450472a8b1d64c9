// SPDX-License-Identifier: Apache-2.0
#include "tools/report/log_check_report.h"

#include <fmt/format.h>

#include <cmath>

#include "core/error.h"
#include "tools/report/document.h"
#include "tools/report/field.h"
#include "tools/report/models_report.h"
#include "tools/support/terminal.h"

namespace mikv::tools {
namespace {

constexpr const char* kRow = "{:<24} {:>20} {:>22}  {}\n";

std::string number(double value) {
  if (value == std::floor(value)) return fmt::format("{:.0f}", value);
  return fmt::format("{:.4f}", value);
}

std::string range(double low, double high) {
  return low == high ? number(low) : number(low) + " - " + number(high);
}

std::string settings_text(const LogCheck& check) {
  std::string text = check.log.engine;
  for (const auto& [name, value] : check.settings) text += fmt::format(", {} {}", name, value);
  return escape(text);
}

}  // namespace

std::string log_check_table(const LogCheck& check, const ModelShape& model, bool color) {
  std::string text = field("log", escape(check.file));
  text += field("model", escape(model.name));
  text += field("engine", settings_text(check)) + "\n";
  text += bold(fmt::format(fmt::runtime(kRow), "", "logged", "predicted", ""), color);
  for (const LogComparison& one : check.comparisons) {
    const double logged = (one.logged_low + one.logged_high) / 2;
    text += fmt::format(fmt::runtime(kRow), one.what, number(std::round(logged * 1e4) / 1e4),
                        range(one.predicted_low, one.predicted_high),
                        one.agrees() ? "agrees" : "DIFFERS");
  }
  text += "\n";
  if (check.comparisons.empty()) {
    return text + field("result", "nothing to compare: the log has neither memory nor concurrency");
  }
  if (agrees(check.comparisons)) return text + field("result", "agrees within the log's rounding");
  text += field("result", "differs");
  for (const std::string& explanation : check.explanations) {
    text += field("perhaps", explanation);
  }
  if (check.explanations.empty()) text += field("perhaps", "no single rule that is known");
  return text;
}

nlohmann::json log_check_json(const LogCheck& check, const ModelShape& model) {
  nlohmann::json document = new_document("log_check");
  document["file"] = check.file;
  document["model"] = model_json(model);
  document["engine"] = check.log.engine;
  document["settings"] = nlohmann::json::object();
  for (const auto& [name, value] : check.settings) document["settings"][name] = value;
  document["comparisons"] = nlohmann::json::array();
  for (const LogComparison& one : check.comparisons) {
    document["comparisons"].push_back({{"what", one.what},
                                       {"logged_low", one.logged_low},
                                       {"logged_high", one.logged_high},
                                       {"predicted_low", one.predicted_low},
                                       {"predicted_high", one.predicted_high},
                                       {"agrees", one.agrees()}});
  }
  document["agrees"] = agrees(check.comparisons);
  document["explanations"] = check.explanations;
  return document;
}

}  // namespace mikv::tools
