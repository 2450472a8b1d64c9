// SPDX-License-Identifier: Apache-2.0
#include "tools/report/benchmark_times.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string_view>
#include <utility>

#include "core/error.h"

namespace mikv::tools {
namespace {

using nlohmann::json;

constexpr const char* kRemedy =
    "give what --benchmark_format=json or 'benchmark_ratios.py --out' wrote";

constexpr std::array<std::pair<std::string_view, double>, 4> kUnits{
    {{"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1}}};

[[noreturn]] void refuse(const std::string& path, const std::string& field, const char* problem) {
  throw InputError(path, field, problem, kRemedy);
}

// A median is worth its two middle times.
double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

// As Google Benchmark names what is not timed by the processor's time.
bool counts_real_time(std::string_view name) {
  return name.ends_with("/manual_time") || name.ends_with("/real_time");
}

// One object of an array of the report.
class Entry {
 public:
  Entry(const std::string& path, std::string field, const json& members)
      : path_(path), field_(std::move(field)), members_(members) {
    if (!members.is_object()) refuse(path, field_, "is no object");
  }

  [[nodiscard]] bool is(const char* member, const json& value) const {
    return members_.value(member, json()) == value;
  }
  [[nodiscard]] bool has(const char* member) const { return members_.contains(member); }

  [[nodiscard]] std::string text(const char* member) const {
    const json value = members_.value(member, json());
    if (!value.is_string()) refuse(path_, field_ + "." + member, "is missing or no text");
    return value.get<std::string>();
  }

  // A time of zero has no ratio to another.
  [[nodiscard]] double time(const char* member) const {
    const json value = members_.value(member, json());
    if (!value.is_number() || !(value.get<double>() > 0) || !std::isfinite(value.get<double>())) {
      refuse(path_, field_ + "." + member, "is missing or no positive number");
    }
    return value.get<double>();
  }

  [[nodiscard]] double unit() const {
    const std::string unit = text("time_unit");
    for (const auto& [unit_name, seconds] : kUnits) {
      if (unit == unit_name) return seconds;
    }
    refuse(path_, field_ + ".time_unit", "is not ns, us, ms or s");
  }

 private:
  const std::string& path_;
  std::string field_;
  const json& members_;
};

// Repetitions of a benchmark, and their median if the report has it.
struct Runs {
  std::vector<double> cpu_times;
  std::vector<double> real_times;
  bool has_median = false;

  void add(const Entry& entry) {
    const bool is_median = entry.is("aggregate_name", "median");
    if (entry.is("error_occurred", true) || has_median) return;
    if (entry.has("aggregate_name") && !is_median) return;
    if (is_median) *this = {.cpu_times = {}, .real_times = {}, .has_median = true};
    const double unit = entry.unit();
    cpu_times.push_back(entry.time("cpu_time") * unit);
    real_times.push_back(entry.time("real_time") * unit);
  }
};

const json& array(const std::string& path, const json& report, const char* member) {
  if (!report[member].is_array()) refuse(path, member, "is no array");
  return report[member];
}

template <typename Job>
void for_each_entry(const std::string& path, const json& report, const char* member,
                    const Job& job) {
  const json& entries = array(path, report, member);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    job(Entry(path, std::string(member) + "[" + std::to_string(i) + "]", entries[i]));
  }
}

}  // namespace

std::vector<BenchmarkTime> benchmark_times(const std::string& path, const json& report) {
  std::vector<std::string> names;
  std::map<std::string, Runs> runs;
  for_each_entry(path, report, "benchmarks", [&](const Entry& entry) {
    const std::string name = entry.text(entry.has("run_name") ? "run_name" : "name");
    const auto [run, is_new] = runs.try_emplace(name);
    if (is_new) names.push_back(name);
    run->second.add(entry);
  });
  std::vector<BenchmarkTime> times;
  for (const std::string& name : names) {
    const Runs& run = runs[name];
    if (run.cpu_times.empty()) continue;
    const double cpu_time = median(run.cpu_times);
    const double real_time = median(run.real_times);
    times.push_back({name, counts_real_time(name) ? real_time : cpu_time, cpu_time, real_time});
  }
  if (report.contains("replays")) {
    for_each_entry(path, report, "replays", [&](const Entry& entry) {
      const auto threads = static_cast<std::int64_t>(std::min(entry.time("threads"), 1e9));
      const double seconds = entry.time("seconds");
      times.push_back({"replay/threads:" + std::to_string(threads), seconds,
                       entry.time("processor_seconds"), seconds});
    });
  }
  if (times.empty()) refuse(path, "benchmarks", "holds no time");
  return times;
}

json benchmark_context(const json& report) {
  json context = json::object();
  const json all = report.value("context", json::object());
  if (!all.is_object()) return context;
  for (const auto& [key, value] : all.items()) {
    if (key != "date" && value.is_primitive()) context[key] = value;
  }
  return context;
}

}  // namespace mikv::tools
