// SPDX-License-Identifier: Apache-2.0
// The model catalogue as a table and as the document of tools/schemas/models.schema.json.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/plan/model/model_shape.h"

namespace mikv::tools {

/// At most 80 columns.
[[nodiscard]] std::string models_table(const std::vector<ModelShape>& models, bool color);

[[nodiscard]] nlohmann::json models_json(const std::vector<ModelShape>& models);

/// One row a model, headed by the document's names.
[[nodiscard]] std::string models_csv(const nlohmann::json& document);

/// A model as the documents describe it.
[[nodiscard]] nlohmann::json model_json(const ModelShape& model);

}  // namespace mikv::tools
