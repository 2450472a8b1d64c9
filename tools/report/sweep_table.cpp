// SPDX-License-Identifier: Apache-2.0
#include "tools/report/sweep_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "core/error.h"
#include "tools/report/field.h"
#include "tools/report/number_text.h"
#include "tools/support/terminal.h"

namespace mikv::tools {
namespace {

using nlohmann::json;

// A setting of a configuration, as a column or, where all cells share its value, in the heading.
struct SettingColumn {
  const char* key;
  const char* name;
  std::array<const char*, 2> head;
  int width;
};

constexpr std::array kSettings{
    SettingColumn{"importance_ratio", "importance ratio", {"", "ratio"}, 5},
    SettingColumn{"importance_format", "importance format", {"impor-", "tance"}, 6},
    SettingColumn{"retained_format", "retained format", {"reta-", "ined"}, 5},
    SettingColumn{"group_size", "group size", {"group", "size"}, 5},
    SettingColumn{"balancer", "balancer", {"balan-", "cer"}, 6},
    SettingColumn{"policy", "policy", {"", "policy"}, 12},
    SettingColumn{"recent_share", "recent share", {"recent", "share"}, 6},
    SettingColumn{"seed", "seed", {"", "seed"}, 5},
};

constexpr const char* kFigures = " {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>5}";

std::string without_blanks_at_end(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

std::string value_text(const json& value) {
  if (value.is_boolean()) return value.get<bool>() ? "on" : "off";
  if (value.is_string()) return value.get<std::string>();
  return value.is_number_float() ? fmt::format("{}", value.get<double>()) : value.dump();
}

std::string error_text(const json& value) {
  return tools::error_text(value.is_number() ? std::optional(value.get<double>()) : std::nullopt);
}

bool varies(const std::vector<json>& cells, const char* key) {
  return std::any_of(cells.begin(), cells.end(), [&](const json& cell) {
    return cell["configuration"][key] != cells.front()["configuration"][key];
  });
}

std::string trace_lines(const json& trace) {
  return fmt::format(
      "trace    {}: {}, {} of {} layers\n"
      "         {} query / {} KV heads, head_dim {}, {}; {} prompt + {} decode tokens\n",
      escape(trace["file"].get<std::string>()), escape(trace["model"].get<std::string>()),
      trace["recorded_layers"].size(), trace["num_layers"].dump(), trace["num_query_heads"].dump(),
      trace["num_kv_heads"].dump(), trace["head_dim"].dump(),
      trace["element_type"].get<std::string>(), trace["prompt_length"].dump(),
      trace["decode_length"].dump());
}

class CellTable {
 public:
  explicit CellTable(std::vector<json> cells) : cells_(std::move(cells)) {
    for (const SettingColumn& column : kSettings) {
      if (varies(cells_, column.key)) columns_.push_back(column);
    }
  }

  // What all cells share.
  std::string setting_lines() const {
    std::string text;
    for (const SettingColumn& column : kSettings) {
      if (varies(cells_, column.key)) continue;
      const std::string value = value_text(cells_.front()["configuration"][column.key]);
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", column.name, value);
    }
    return field("setting", text);
  }

  std::string text(bool color) const {
    std::string text = line(heads(0) + fmt::format(fmt::runtime(kFigures), "paper", "held", "key",
                                                   "value", "output", "attn.", ""),
                            color);
    text += line(heads(1) + fmt::format(fmt::runtime(kFigures), "% full", "% full", "error",
                                        "error", "error", "KL", "front"),
                 color);
    for (const json& cell : cells_) text += line(row(cell), false);
    return text;
  }

 private:
  static std::string line(const std::string& text, bool color) {
    return bold(without_blanks_at_end(text), color) + "\n";
  }

  std::string heads(std::size_t line) const {
    std::string text;
    for (const SettingColumn& column : columns_) {
      text += fmt::format("{}{:>{}}", text.empty() ? "" : " ", column.head.at(line), column.width);
    }
    return text;
  }

  std::string row(const json& cell) const {
    std::string text;
    for (const SettingColumn& column : columns_) {
      text += fmt::format("{}{:>{}}", text.empty() ? "" : " ",
                          value_text(cell["configuration"][column.key]), column.width);
    }
    const json& total = cell["total"];
    const auto share = [&](const char* bytes) {
      return percent_text(total["bytes"][bytes].get<std::int64_t>(),
                          total["bytes"]["full_cache"].get<std::int64_t>());
    };
    return text + fmt::format(fmt::runtime(kFigures), share("paper"), share("total"),
                              error_text(total["key_error"]), error_text(total["value_error"]),
                              error_text(total["output_error"]), error_text(total["attention_kl"]),
                              cell["on_front"].get<bool>() ? "*" : "");
  }

  std::vector<json> cells_;
  std::vector<SettingColumn> columns_;
};

// What a command line needs beside the plan.
std::string policy_text(const json& plan) {
  return fmt::format("policy {}, recent share {}, seed {}", plan["policy"].get<std::string>(),
                     plan["recent_share"].get<double>(), plan["seed"].dump());
}

std::string best_lines(const json& plans) {
  if (plans["max_paper_bytes"].is_null() && plans["max_output_error"].is_null()) return "";
  const json& best = plans["best"];
  if (best.is_null()) return field("best", "none: no plan of these settings is within the limit");
  return field("best", fmt::format("{} by the paper's accounting, output error {}; {}",
                                   bytes_text(best["paper_bytes"].get<std::int64_t>()),
                                   error_text(best["output_error"]), policy_text(best))) +
         "plan     " + best["plan"].get<std::string>() + "\n";
}

std::string front_lines(const json& plans, bool color) {
  constexpr std::size_t kMaxPlans = 10;
  constexpr std::size_t kPlanWidth = 60;
  constexpr const char* kRow = "{:>9} {:>8}  {}\n";
  const json& front = plans["front"];
  std::string text =
      bold(fmt::format(fmt::runtime(kRow), "paper", "output", "best setting of each layer,"),
           color) +
      bold(fmt::format(fmt::runtime(kRow), "bytes", "error", "for 'mikv replay --plan'"), color);
  const std::size_t shown = std::min(front.size(), kMaxPlans);
  for (std::size_t i = 0; i < shown; ++i) {
    const json& point = front[shown == 1 ? 0 : i * (front.size() - 1) / (shown - 1)];
    auto plan = point["plan"].get<std::string>();
    if (plan.size() > kPlanWidth) plan = plan.substr(0, kPlanWidth - 3) + "...";
    text += fmt::format(fmt::runtime(kRow), bytes_text(point["paper_bytes"].get<std::int64_t>()),
                        error_text(point["output_error"]), plan);
  }
  return text + fmt::format("{} of {} plans of which none is better in both{}\n", shown,
                            front.size(),
                            plans["front_complete"].get<bool>() ? "" : ", on the convex hull");
}

std::string trace_text(const json& document, std::size_t number, bool color) {
  std::vector<json> cells;
  for (const json& cell : document["cells"]) {
    if (cell["trace"] == number) cells.push_back(cell);
  }
  const CellTable table(std::move(cells));
  std::string text = trace_lines(document["traces"][number]) + table.setting_lines() + "\n" +
                     table.text(color) +
                     "* no other setting is better in both paper bytes and output error\n";
  const json& plans = document["layer_plans"][number];
  if (plans.is_null()) {
    return text + "\n" +
           field("plans", "none: an output error is undefined, as without decode steps");
  }
  const std::string best = best_lines(plans);
  return text + "\n" + best + (best.empty() ? "" : "\n") + front_lines(plans, color);
}

}  // namespace

std::string sweep_table(const json& document, bool color) {
  std::string text;
  for (std::size_t i = 0; i < document["traces"].size(); ++i) {
    text += (i == 0 ? "" : "\n") + trace_text(document, i, color);
  }
  return text;
}

}  // namespace mikv::tools
