// SPDX-License-Identifier: Apache-2.0
#include "tools/options/fail_if.h"

#include <array>
#include <charconv>
#include <cmath>
#include <sstream>

#include "core/error.h"

namespace mikv::tools {
namespace {

constexpr std::string_view kGrammar = "write 'METRIC OP NUMBER', such as 'output_error > 0.2'";

std::function<bool(double)> comparison(const std::string& op, double limit,
                                       const std::string& text) {
  if (op == "<") return [limit](double x) { return x < limit; };
  if (op == "<=") return [limit](double x) { return x <= limit; };
  if (op == ">") return [limit](double x) { return x > limit; };
  if (op == ">=") return [limit](double x) { return x >= limit; };
  if (op == "==") return [limit](double x) { return x == limit; };
  if (op == "!=") return [limit](double x) { return x != limit; };
  throw UsageError("--fail-if", "'" + text + "' has no operator < <= > >= == !=", kGrammar);
}

Condition parse_condition(const std::string& text) {
  const std::size_t begin = text.find_first_of("<>=!");
  const std::size_t end = text.find_first_not_of("<>=!", begin);
  if (begin == std::string::npos || end == std::string::npos) {
    throw UsageError("--fail-if", "'" + text + "' is no condition", kGrammar);
  }
  const auto trimmed = [](const std::string& part) {
    const std::size_t first = part.find_first_not_of(' ');
    return first == std::string::npos ? ""
                                      : part.substr(first, part.find_last_not_of(' ') - first + 1);
  };
  const std::string metric = trimmed(text.substr(0, begin));
  const std::string number = trimmed(text.substr(end));
  double limit = 0;
  const auto [parsed, error] = std::from_chars(number.data(), number.data() + number.size(), limit);
  if (metric.empty() || error != std::errc() || parsed != number.data() + number.size() ||
      !std::isfinite(limit)) {
    throw UsageError("--fail-if", "'" + text + "' is no condition", kGrammar);
  }
  return {text, metric, comparison(text.substr(begin, end - begin), limit, text)};
}

// What a path leads to: null if it leads through null, nullptr if nowhere.
const nlohmann::json* find(const nlohmann::json& json, const std::string& dotted_path) {
  const nlohmann::json* at = &json;
  std::istringstream path(dotted_path);
  for (std::string part; std::getline(path, part, '.');) {
    if (at->is_null()) return at;
    if (!at->is_object() || !at->contains(part)) return nullptr;
    at = &(*at)[part];
  }
  return at;
}

struct Place {
  std::string name;
  const nlohmann::json* json;
};

// Rows of a document: where they are, what one is called, and its member that says which.
struct Rows {
  const char* member;
  const char* label;
  const char* key;
};

constexpr std::array<Rows, 3> kRows{
    {{"layers", "layer", "layer"}, {"cases", "case", "name"}, {"benchmarks", "benchmark", "name"}}};

// Where a condition looks: the report's total, or each of its rows.
std::vector<Place> places(const Condition& condition, const nlohmann::json& report) {
  if (condition.metric.starts_with("total.")) return {{"total", &report}};
  std::vector<Place> places;
  for (const Rows& rows : kRows) {
    if (!report.contains(rows.member)) continue;
    for (const nlohmann::json& row : report[rows.member]) {
      const nlohmann::json& key = row[rows.key];
      const std::string which = key.is_string() ? escape(key.get<std::string>()) : key.dump();
      places.push_back({std::string(rows.label) + " " + which, &row});
    }
  }
  return places;
}

// A number, or null where it is undefined.
const nlohmann::json& metric(const Condition& condition, const Place& place) {
  const nlohmann::json* value = find(*place.json, condition.metric);
  if (value != nullptr && (value->is_number() || value->is_null())) return *value;
  throw UsageError("--fail-if", "'" + condition.metric + "' is no number of this report",
                   "'--json -' shows the metrics");
}

}  // namespace

std::vector<Condition> parse_conditions(const std::vector<std::string>& texts) {
  std::vector<Condition> conditions;
  conditions.reserve(texts.size());
  for (const std::string& text : texts) conditions.push_back(parse_condition(text));
  return conditions;
}

void require_metrics(const std::vector<Condition>& conditions, const nlohmann::json& fields) {
  for (const Condition& condition : conditions) {
    for (const Place& place : places(condition, fields)) (void)metric(condition, place);
  }
}

std::vector<std::string> violations(const std::vector<Condition>& conditions,
                                    const nlohmann::json& report) {
  std::vector<std::string> lines;
  for (const Condition& condition : conditions) {
    bool checked = false;
    for (const Place& place : places(condition, report)) {
      const nlohmann::json& value = metric(condition, place);
      if (value.is_null()) continue;
      checked = true;
      if (condition.holds(value.get<double>())) {
        lines.push_back(place.name + ": " + condition.metric + " is " + value.dump() +
                        " (--fail-if '" + condition.text + "')");
      }
    }
    if (!checked) {
      throw UsageError("--fail-if", "'" + condition.metric + "' is undefined here (null)",
                       "leave this condition out");
    }
  }
  return lines;
}

}  // namespace mikv::tools
