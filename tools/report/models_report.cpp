// SPDX-License-Identifier: Apache-2.0
#include "tools/report/models_report.h"

#include <fmt/format.h>

#include "core/error.h"
#include "tools/plan/kv/token_bytes.h"
#include "tools/plan/model/describe.h"
#include "tools/report/csv.h"
#include "tools/report/document.h"
#include "tools/support/terminal.h"

namespace mikv::tools {
namespace {

constexpr const char* kRow = "{:<18} {:>6} {:<34} {:>9} {:>8}\n";

template <typename T>
nlohmann::json or_null(const std::optional<T>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json(nullptr);
}

std::string context_text(const std::optional<std::int64_t>& tokens) {
  return tokens ? std::to_string(*tokens) : "-";
}

}  // namespace

std::string models_table(const std::vector<ModelShape>& models, bool color) {
  std::string text = bold(fmt::format(fmt::runtime(kRow), "", "", "", "KV bytes", ""), color) +
                     bold(fmt::format(fmt::runtime(kRow), "model", "layers",
                                      "of which hold a cache", "a token", "context"),
                          color);
  for (const ModelShape& model : models) {
    text +=
        fmt::format(fmt::runtime(kRow), escape(model.name), model.num_layers, layers_text(model),
                    native_token_bytes(model, false), context_text(model.max_context));
  }
  return text + "\nKV bytes a token: all attention layers, in the model's own 16 bits\n";
}

nlohmann::json model_json(const ModelShape& model) {
  return {
      {"name", model.name},
      {"source", model.source},
      {"num_layers", model.num_layers},
      {"query_heads", model.query_heads},
      {"layers", layers_text(model)},
      {"element_type", element_name(model.element)},
      {"max_context", or_null(model.max_context)},
      {"parameters", or_null(model.parameters)},
      {"kv_bytes_per_token", native_token_bytes(model, false)},
      {"growing_bytes_per_token", native_token_bytes(model, true)},
  };
}

nlohmann::json models_json(const std::vector<ModelShape>& models) {
  nlohmann::json document = new_document("models");
  document["models"] = nlohmann::json::array();
  for (const ModelShape& model : models) document["models"].push_back(model_json(model));
  return document;
}

std::string models_csv(const nlohmann::json& document) {
  return rows_csv("name", document["models"]);
}

}  // namespace mikv::tools
