// SPDX-License-Identifier: Apache-2.0
#include "tools/report/sweep_csv.h"

#include "tools/report/csv.h"

namespace mikv::tools {

std::string sweep_csv(const nlohmann::json& document) {
  nlohmann::json rows = nlohmann::json::array();
  for (const nlohmann::json& cell : document["cells"]) {
    nlohmann::json& row = rows.emplace_back(cell);
    row.erase("layers");
    row["trace"] = document["traces"][cell["trace"].get<std::size_t>()]["file"];
  }
  return rows_csv("trace", rows);
}

}  // namespace mikv::tools
