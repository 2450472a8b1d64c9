// SPDX-License-Identifier: Apache-2.0
#include "tools/report/replay_report.h"

#include "core/error.h"
#include "core/stage.h"
#include "tools/report/replay_json.h"
#include "tools/report/report_fields.h"
#include "tools/support/json_file.h"

namespace mikv::tools {
namespace {

using nlohmann::json;

constexpr const char* kRemedy = "give a report written by 'mikv replay --json'";

// Hashes of every stage, or null.
void require_hashes(const std::string& path, const std::string& field, const json& hashes) {
  if (hashes.is_null()) return;
  json fields = json::object();
  for (const Stage stage : stages()) fields[std::string(name(stage))] = "";
  require_fields(path, field + ".hashes", fields, hashes, kRemedy);
}

// What diff compares of it, or null.
void require_divergence(const std::string& path, const std::string& field, const json& divergence) {
  if (divergence.is_null()) return;
  require_fields(path, field + ".divergence", {{"mismatched", 0}}, divergence, kRemedy);
}

// Each may be null.
void require_nullables(const std::string& path, const std::string& field, const json& row) {
  require_hashes(path, field, row["hashes"]);
  require_divergence(path, field, row["divergence"]);
}

}  // namespace

void require_rows(const std::string& path, const std::string& prefix, const json& report) {
  for (const char* member : {"configuration", "total"}) {
    if (!report.value(member, json()).is_object()) {
      throw InputError(path, prefix + member, "is missing or no object", kRemedy);
    }
  }
  if (!report.value("layers", json()).is_array()) {
    throw InputError(path, prefix + "layers", "is missing or no array", kRemedy);
  }
  const json fields = replay_fields();
  for (std::size_t i = 0; i < report["layers"].size(); ++i) {
    const std::string field = prefix + "layers[" + std::to_string(i) + "]";
    require_fields(path, field, fields["layers"][0], report["layers"][i], kRemedy);
    require_nullables(path, field, report["layers"][i]);
  }
  require_fields(path, prefix + "total", fields["total"], report["total"], kRemedy);
  require_nullables(path, prefix + "total", report["total"]);
}

json read_replay_report(const std::string& path) {
  json report = read_json_file(path, kRemedy);
  if (!report.is_object() || report.value("kind", json()) != "replay") {
    throw InputError(path, "kind", "is not 'replay'", kRemedy);
  }
  require_replay_report(path, report);
  return report;
}

void require_replay_report(const std::string& path, const json& report) {
  require_version(path, report);
  if (!report.value("trace", json()).is_object()) {
    throw InputError(path, "trace", "is missing or no object", kRemedy);
  }
  if (!report["trace"].value("checksum", json()).is_string()) {
    throw InputError(path, "trace.checksum", "is missing or no string", kRemedy);
  }
  require_rows(path, "", report);
}

}  // namespace mikv::tools
