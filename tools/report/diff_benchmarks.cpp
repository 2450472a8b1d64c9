// SPDX-License-Identifier: Apache-2.0
#include "tools/report/diff_benchmarks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/error.h"
#include "tools/report/benchmark_times.h"
#include "tools/report/diff_members.h"
#include "tools/report/document.h"
#include "tools/support/terminal.h"

namespace mikv::tools {
namespace {

using nlohmann::json;
using Times = std::vector<BenchmarkTime>;

constexpr const char* kRow = "{:>10} {:>10} {:>8}  {}\n";

const BenchmarkTime* find(const Times& times, const std::string& name) {
  const auto found = std::ranges::find(times, name, &BenchmarkTime::name);
  return found == times.end() ? nullptr : &*found;
}

json compare(const BenchmarkTime* a, const BenchmarkTime* b) {
  const auto pair = [&](double BenchmarkTime::* time) {
    return compare_numbers(a == nullptr ? json() : json(a->*time),
                           b == nullptr ? json() : json(b->*time));
  };
  return {{"name", (b == nullptr ? a : b)->name},
          {"time", pair(&BenchmarkTime::time)},
          {"cpu_time", pair(&BenchmarkTime::cpu_time)},
          {"real_time", pair(&BenchmarkTime::real_time)},
          {"new", a == nullptr ? 1 : 0},
          {"removed", b == nullptr ? 1 : 0}};
}

// B's benchmarks, then those that only A has.
json compare_all(const Times& a, const Times& b) {
  json rows = json::array();
  for (const BenchmarkTime& one : b) rows.push_back(compare(find(a, one.name), &one));
  for (const BenchmarkTime& one : a) {
    if (find(b, one.name) == nullptr) rows.push_back(compare(&one, nullptr));
  }
  return rows;
}

// Geometric; null if there is none.
json mean_ratio(const json& rows) {
  double sum = 0;
  int count = 0;
  for (const json& row : rows) {
    const json& ratio = row["time"]["ratio"];
    if (!ratio.is_number()) continue;
    sum += std::log(ratio.get<double>());
    ++count;
  }
  return count == 0 ? json() : json(std::exp(sum / count));
}

std::int64_t sum(const json& rows, const char* member) {
  std::int64_t count = 0;
  for (const json& row : rows) count += row[member].get<std::int64_t>();
  return count;
}

std::string time_text(const json& seconds) {
  if (seconds.is_null()) return "-";
  const auto value = seconds.get<double>();
  if (value >= 1) return fmt::format("{:.4g} s", value);
  if (value >= 1e-3) return fmt::format("{:.4g} ms", value * 1e3);
  if (value >= 1e-6) return fmt::format("{:.4g} us", value * 1e6);
  return fmt::format("{:.4g} ns", value * 1e9);
}

std::string ratio_text(const json& ratio) {
  return ratio.is_null() ? "-" : fmt::format("{:.3f}", ratio.get<double>());
}

}  // namespace

json diff_benchmarks(const std::string& path_a, const json& a, const std::string& path_b,
                     const json& b) {
  const Times times_a = benchmark_times(path_a, a);
  const Times times_b = benchmark_times(path_b, b);
  json diff = new_document("benchmark_diff");
  diff["a"] = {{"file", path_a}, {"context", benchmark_context(a)}};
  diff["b"] = {{"file", path_b}, {"context", benchmark_context(b)}};
  diff["differing_context"] = differing_members(diff["a"]["context"], diff["b"]["context"]);
  diff["benchmarks"] = compare_all(times_a, times_b);
  const json& rows = diff["benchmarks"];
  const json mean = mean_ratio(rows);
  if (mean.is_null()) {
    throw InputError(path_b, "benchmarks", "has no benchmark of " + path_a,
                     "run the same ones: --benchmark_filter chooses them");
  }
  diff["total"] = {{"benchmarks", compare_numbers(times_a.size(), times_b.size())},
                   {"new", sum(rows, "new")},
                   {"removed", sum(rows, "removed")},
                   {"time_ratio", mean}};
  return diff;
}

std::string benchmark_diff_table(const json& diff, bool color) {
  std::string text = differing_lines(diff["differing_context"]);
  if (!text.empty()) text += "\n";
  text += "medians of the repetitions\n";
  text += bold(fmt::format(fmt::runtime(kRow), "A", "B", "B / A", "benchmark"), color);
  for (const json& row : diff["benchmarks"]) {
    const json& time = row["time"];
    text += fmt::format(fmt::runtime(kRow), time_text(time["a"]), time_text(time["b"]),
                        ratio_text(time["ratio"]), escape(row["name"].get<std::string>()));
  }
  const json& total = diff["total"];
  text +=
      fmt::format("\ngeometric mean of B / A {}, new {}, removed {}\n",
                  ratio_text(total["time_ratio"]), total["new"].dump(), total["removed"].dump());
  return text;
}

}  // namespace mikv::tools
