// SPDX-License-Identifier: Apache-2.0
#include "tools/plan/engines/engine_options.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "core/error.h"
#include "tools/plan/engines/engine.h"

namespace mikv::tools {
namespace {

// How an option is found and taken away.
struct Access {
  EngineOption option;
  std::string_view name;
  bool (*given)(const EngineOptions&);
  void (*clear)(EngineOptions&);
};

constexpr std::array<Access, 5> kOptions{{
    {EngineOption::version, "--engine-version",
     [](const EngineOptions& options) { return !options.version.empty(); },
     [](EngineOptions& options) { options.version.clear(); }},
    {EngineOption::page_size, "--page-size",
     [](const EngineOptions& options) { return options.page_size.has_value(); },
     [](EngineOptions& options) { options.page_size.reset(); }},
    {EngineOption::utilization, "--utilization",
     [](const EngineOptions& options) { return options.utilization.has_value(); },
     [](EngineOptions& options) { options.utilization.reset(); }},
    {EngineOption::max_batched_tokens, "--max-batched-tokens",
     [](const EngineOptions& options) { return options.max_batched_tokens.has_value(); },
     [](EngineOptions& options) { options.max_batched_tokens.reset(); }},
    {EngineOption::ubatch, "--ubatch",
     [](const EngineOptions& options) { return options.ubatch.has_value(); },
     [](EngineOptions& options) { options.ubatch.reset(); }},
}};

bool has_rule(const EngineInfo& info, EngineOption option) {
  return std::find(info.options.begin(), info.options.end(), option) != info.options.end();
}

std::string engines_with(EngineOption option) {
  std::string names;
  for (const EngineInfo* info : engine_list()) {
    if (has_rule(*info, option)) names.append(names.empty() ? "" : ", ").append(info->name);
  }
  return names;
}

}  // namespace

void require_rules(const EngineOptions& options, const EngineInfo& info) {
  for (const Access& access : kOptions) {
    if (!access.given(options) || has_rule(info, access.option)) continue;
    throw UsageError(access.name, "means nothing to --engine " + std::string(info.name),
                     "leave it out; engines that have it: " + engines_with(access.option));
  }
  if (!options.version.empty()) info.require_version(options.version);
}

EngineOptions with_rules(EngineOptions options, const EngineInfo& info) {
  for (const Access& access : kOptions) {
    if (!has_rule(info, access.option)) access.clear(options);
  }
  return options;
}

}  // namespace mikv::tools
