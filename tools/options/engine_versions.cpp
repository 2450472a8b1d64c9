// SPDX-License-Identifier: Apache-2.0
#include "tools/options/engine_versions.h"

#include <algorithm>

#include "core/error.h"
#include "tools/plan/engines/engine.h"

namespace mikv::tools {
namespace {

constexpr const char* kOption = "--engine-version";

std::string versioned_engines() {
  std::string names;
  for (const EngineInfo* info : engine_list()) {
    if (info->require_version == nullptr) continue;
    names.append(names.empty() ? "" : ", ").append(info->name);
  }
  return names;
}

const EngineInfo& versioned_engine(const std::string& name) {
  for (const EngineInfo* info : engine_list()) {
    if (info->name == name && info->require_version != nullptr) return *info;
  }
  throw UsageError(kOption, "'" + name + "' is no engine with versions",
                   "use " + versioned_engines());
}

}  // namespace

void EngineVersions::add(const std::string& text) {
  const std::size_t equals = text.find('=');
  Entry entry;
  if (equals != std::string::npos) entry.engine = text.substr(0, equals);
  entry.version = text.substr(equals == std::string::npos ? 0 : equals + 1);
  if (entry.version.empty()) {
    throw UsageError(kOption, "'" + text + "' has no version", "write it as 0.10.2");
  }
  if (equals != std::string::npos) versioned_engine(entry.engine).require_version(entry.version);
  const bool twice = std::any_of(entries_.begin(), entries_.end(),
                                 [&](const Entry& other) { return other.engine == entry.engine; });
  if (twice) {
    throw UsageError(kOption, "has two versions of one engine", "leave one of them out");
  }
  entries_.push_back(std::move(entry));
}

std::string EngineVersions::of_only(std::string_view engine) const {
  std::string version;
  for (const Entry& entry : entries_) {
    if (!entry.engine.empty() && entry.engine != engine) {
      throw UsageError(kOption,
                       "'" + entry.engine + "=" + entry.version +
                           "' is of another engine than --engine " + std::string(engine),
                       "leave it out, or give --engine " + entry.engine + " or all");
    }
    if (!version.empty()) {
      throw UsageError(kOption, "has two versions of one engine", "leave one of them out");
    }
    version = entry.version;
  }
  return version;
}

std::string EngineVersions::of_each(std::string_view engine) const {
  std::string version;
  for (const Entry& entry : entries_) {
    if (entry.engine.empty()) {
      throw UsageError(
          kOption, "'" + entry.version + "' is not of all engines",
          "write ENGINE=VERSION, such as vllm=0.10, once an engine: " + versioned_engines());
    }
    if (entry.engine == engine) version = entry.version;
  }
  return version;
}

}  // namespace mikv::tools
