// SPDX-License-Identifier: Apache-2.0
#include "tools/report/diff_tests.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "core/error.h"
#include "tools/kernel_test/verdict.h"
#include "tools/report/diff_members.h"
#include "tools/report/document.h"

namespace mikv::tools {
namespace {

using nlohmann::json;

// What may become of a case; none of them: it passes as before, or still does not.
constexpr std::array kChanges{"regressions", "fixed", "new", "removed"};
// Of each kind of change.
constexpr std::size_t kMostShown = 10;

// A case's members by the case's name; the order is that of B, then what only A has.
class CasePairs {
 public:
  CasePairs(const json& a, const json& b) {
    for (const json& one : b["cases"]) add(one, &Sides::b);
    for (const json& one : a["cases"]) add(one, &Sides::a);
  }

  struct Sides {
    json a = json::object();
    json b = json::object();
  };

  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  [[nodiscard]] const Sides& at(const std::string& name) const { return sides_.at(name); }

 private:
  void add(const json& one, json Sides::* side) {
    const auto name = one["name"].get<std::string>();
    const auto [entry, is_new] = sides_.try_emplace(name);
    if (is_new) names_.push_back(name);
    entry->second.*side = one;
  }

  std::vector<std::string> names_;
  std::map<std::string, Sides> sides_;
};

json member(const json& one, const char* name) {
  return one.value(name, json());
}

json error_share(const json& one) {
  const json error = member(one, "error");
  const json bound = member(one, "bound");
  if (!error.is_number() || !bound.is_number() || bound.get<double>() == 0) return nullptr;
  return error.get<double>() / bound.get<double>();
}

// Times differ always, messages with the numbers in them.
std::int64_t count_different(const json& a, const json& b) {
  constexpr std::array kCompared{"status", "stage",    "diagnosis", "error",
                                 "bound",  "compared", "wrong"};
  return std::ranges::count_if(
      kCompared, [&](const char* name) { return member(a, name) != member(b, name); });
}

// One of kChanges, or nothing.
std::string change(const json& a, const json& b) {
  if (a.empty()) return "new";
  if (b.empty()) return "removed";
  const bool passed_before = a["status"] == "passed";
  const bool passes = b["status"] == "passed";
  if (passed_before == passes) return "";
  return passes ? "fixed" : "regressions";
}

json compare_case(const std::string& name, const json& a, const json& b) {
  const json& either = b.empty() ? a : b;
  json row{{"name", name},
           {"operation", either["operation"]},
           {"status", {{"a", member(a, "status")}, {"b", member(b, "status")}}},
           {"message", member(b, "message")},
           {"error_share", compare_numbers(error_share(a), error_share(b))},
           {"different", count_different(a, b)}};
  for (const char* number : {"error", "bound", "compared", "wrong", "seconds"}) {
    row[number] = compare_numbers(member(a, number), member(b, number));
  }
  const std::string became = change(a, b);
  for (const char* one : kChanges) row[one] = became == one ? 1 : 0;
  return row;
}

std::int64_t count_status(const json& report, const std::string& status) {
  return std::ranges::count_if(report["cases"],
                               [&](const json& one) { return one["status"] == status; });
}

json compare_totals(const json& a, const json& b, const json& rows) {
  json total{{"cases", compare_numbers(a["cases"].size(), b["cases"].size())}};
  for (const kernel_test::Status status : kernel_test::statuses()) {
    const std::string key(name(status));
    total[key] = compare_numbers(count_status(a, key), count_status(b, key));
  }
  for (const char* sum : {"regressions", "fixed", "new", "removed", "different"}) {
    std::int64_t count = 0;
    for (const json& row : rows) count += row[sum].get<std::int64_t>();
    total[sum] = count;
  }
  return total;
}

std::string status_text(const json& status) {
  return status.is_null() ? "-" : status.get<std::string>();
}

std::string case_lines(const json& diff, const char* what, const char* label) {
  std::string text;
  std::size_t shown = 0;
  for (const json& row : diff["cases"]) {
    if (row[what] == 0) continue;
    if (++shown > kMostShown) continue;
    text += fmt::format("{}: {}\n    {} -> {}", label, escape(row["name"].get<std::string>()),
                        status_text(row["status"]["a"]), status_text(row["status"]["b"]));
    const json& message = row["message"];
    if (message.is_string()) text += ": " + escape(message.get<std::string>());
    text += "\n";
  }
  if (shown > kMostShown) {
    text += fmt::format("and {} more: --json has all\n", shown - kMostShown);
  }
  return text.empty() ? "" : "\n" + text;
}

// Errors that grew although they are within their bounds, the most first.
std::string error_lines(const json& diff) {
  std::vector<const json*> grew;
  for (const json& row : diff["cases"]) {
    const json& ratio = row["error"]["ratio"];
    if (ratio.is_number() && ratio.get<double>() > 1) grew.push_back(&row);
  }
  if (grew.empty()) return "";
  const auto ratio = [](const json* row) { return (*row)["error"]["ratio"].get<double>(); };
  std::ranges::stable_sort(grew, std::greater(), ratio);
  std::string text = fmt::format("\n{} errors grew, the most by these factors\n", grew.size());
  grew.resize(std::min(grew.size(), kMostShown));
  for (const json* row : grew) {
    text += fmt::format("{:>10.4g}  {}\n", ratio(row), escape((*row)["name"].get<std::string>()));
  }
  return text;
}

}  // namespace

json diff_tests(const std::string& path_a, const json& a, const std::string& path_b,
                const json& b) {
  json diff = new_document("test_diff");
  diff["a"] = {{"file", path_a}, {"configuration", a["configuration"]}, {"plugin", a["plugin"]}};
  diff["b"] = {{"file", path_b}, {"configuration", b["configuration"]}, {"plugin", b["plugin"]}};
  diff["differing_configuration"] = differing_members(a["configuration"], b["configuration"]);
  diff["differing_plugin"] = differing_members(a["plugin"], b["plugin"]);
  diff["cases"] = json::array();
  bool any_in_both = false;
  const CasePairs pairs(a, b);
  for (const std::string& name : pairs.names()) {
    const CasePairs::Sides& sides = pairs.at(name);
    any_in_both = any_in_both || (!sides.a.empty() && !sides.b.empty());
    diff["cases"].push_back(compare_case(name, sides.a, sides.b));
  }
  if (!any_in_both) {
    throw InputError(path_b, "cases", "has no case of " + path_a,
                     "test the same cases: --seed, --op, --filter and --case choose them");
  }
  diff["total"] = compare_totals(a, b, diff["cases"]);
  return diff;
}

std::string test_diff_table(const json& diff, bool color) {
  std::string text = differing_lines(diff["differing_plugin"]);
  text += differing_lines(diff["differing_configuration"]);
  if (!text.empty()) text += "\n";
  const json& total = diff["total"];
  text += diff_head("all cases", color) + diff_rows(total);
  text += case_lines(diff, "regressions", "regression");
  text += case_lines(diff, "fixed", "fixed");
  text += case_lines(diff, "new", "new");
  text += case_lines(diff, "removed", "removed");
  text += error_lines(diff);
  text +=
      fmt::format("\nregressions {}, fixed {}, new {}, removed {}\n", total["regressions"].dump(),
                  total["fixed"].dump(), total["new"].dump(), total["removed"].dump());
  return text;
}

}  // namespace mikv::tools
