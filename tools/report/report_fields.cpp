// SPDX-License-Identifier: Apache-2.0
#include "tools/report/report_fields.h"

#include "core/error.h"
#include "tools/report/document.h"

namespace mikv::tools {

using nlohmann::json;

void require_fields(const std::string& path, const std::string& field, const json& fields,
                    const json& value, const std::string& remedy) {
  const auto refuse = [&](const char* problem) { throw InputError(path, field, problem, remedy); };
  if (fields.is_object()) {
    if (!value.is_object()) refuse("is no object");
    for (const auto& [key, member] : fields.items()) {
      std::string name = field;
      name.append(".").append(key);
      if (!value.contains(key))
        throw InputError(path, name, "is missing", "write the report again");
      if (key == "hashes" || key == "divergence") continue;
      require_fields(path, name, member, value[key], remedy);
    }
  } else if (fields.is_string()) {
    if (!value.is_string()) refuse("is no string");
  } else if (fields.is_number_integer()) {
    if (!value.is_number_integer()) refuse("is no integer");
  } else if (!value.is_number() && !value.is_null()) {
    refuse("is neither a number nor null");
  }
}

void require_version(const std::string& path, const json& report) {
  if (report.value("schema_version", json()) == kSchemaVersion) return;
  throw InputError(path, "schema_version", "is not " + std::to_string(kSchemaVersion),
                   "write the report again with this program");
}

}  // namespace mikv::tools
