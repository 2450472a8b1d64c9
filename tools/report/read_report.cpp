// SPDX-License-Identifier: Apache-2.0
#include "tools/report/read_report.h"

#include "core/error.h"
#include "core/stage.h"
#include "tools/report/document.h"
#include "tools/report/replay_json.h"
#include "tools/support/json_file.h"

namespace mikv::tools {
namespace {

using nlohmann::json;

// What every report has: the members of fields, of the same types; null stands for a number or
// null.
void require_fields(const std::string& path, const std::string& field, const json& fields,
                    const json& value) {
  const auto refuse = [&](const char* problem) {
    throw InputError(path, field, problem, "give a report written by 'mikv replay --json'");
  };
  if (fields.is_object()) {
    if (!value.is_object()) refuse("is no object");
    for (const auto& [key, member] : fields.items()) {
      std::string name = field;
      name.append(".").append(key);
      if (!value.contains(key))
        throw InputError(path, name, "is missing", "write the report again");
      if (key == "hashes" || key == "divergence") continue;
      require_fields(path, name, member, value[key]);
    }
  } else if (fields.is_string()) {
    if (!value.is_string()) refuse("is no string");
  } else if (fields.is_number_integer()) {
    if (!value.is_number_integer()) refuse("is no integer");
  } else if (!value.is_number() && !value.is_null()) {
    refuse("is neither a number nor null");
  }
}

// Hashes of every stage, or null.
void require_hashes(const std::string& path, const std::string& field, const json& hashes) {
  if (hashes.is_null()) return;
  json fields = json::object();
  for (const Stage stage : stages()) fields[std::string(name(stage))] = "";
  require_fields(path, field + ".hashes", fields, hashes);
}

// What diff compares of it, or null.
void require_divergence(const std::string& path, const std::string& field, const json& divergence) {
  if (divergence.is_null()) return;
  require_fields(path, field + ".divergence", {{"mismatched", 0}}, divergence);
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
      throw InputError(path, prefix + member, "is missing or no object", "write the report again");
    }
  }
  if (!report.value("layers", json()).is_array()) {
    throw InputError(path, prefix + "layers", "is missing or no array", "write the report again");
  }
  const json fields = replay_fields();
  for (std::size_t i = 0; i < report["layers"].size(); ++i) {
    const std::string field = prefix + "layers[" + std::to_string(i) + "]";
    require_fields(path, field, fields["layers"][0], report["layers"][i]);
    require_nullables(path, field, report["layers"][i]);
  }
  require_fields(path, prefix + "total", fields["total"], report["total"]);
  require_nullables(path, prefix + "total", report["total"]);
}

json read_report(const std::string& path) {
  const std::string remedy = "give a report written by 'mikv replay --json'";
  json report = read_json_file(path, remedy);
  if (!report.is_object() || report.value("kind", json()) != "replay") {
    throw InputError(path, "kind", "is not 'replay'", remedy);
  }
  if (report.value("schema_version", json()) != kSchemaVersion) {
    throw InputError(path, "schema_version", "is not " + std::to_string(kSchemaVersion),
                     "write the report again with this program");
  }
  if (!report.value("trace", json()).is_object()) {
    throw InputError(path, "trace", "is missing or no object", remedy);
  }
  if (!report["trace"].value("checksum", json()).is_string()) {
    throw InputError(path, "trace.checksum", "is missing or no string", remedy);
  }
  require_rows(path, "", report);
  return report;
}

}  // namespace mikv::tools
