// SPDX-License-Identifier: Apache-2.0
#include "tools/plan/model/model_source.h"

#include <filesystem>

#include "core/error.h"
#include "tools/plan/model/catalogue.h"
#include "tools/plan/model/checkpoint_index.h"
#include "tools/plan/model/config_reader.h"
#include "tools/support/json_file.h"

namespace mikv::tools {

ModelShape load_model(const std::string& name_or_path) {
  if (in_catalogue(name_or_path)) return catalogue_model(name_or_path);
  std::filesystem::path path(name_or_path);
  std::error_code error;  // what cannot be asked for cannot be opened either
  if (std::filesystem::is_directory(path, error)) path /= "config.json";
  const bool is_path = name_or_path.find('/') != std::string::npos || path.has_extension();
  if (!std::filesystem::exists(path, error) && !is_path) {
    throw UsageError("--model", "'" + name_or_path + "' is no model of the catalogue and no file",
                     "'mikv models' lists the catalogue; or give the path of a config.json");
  }
  const std::string file = path.string();
  ModelShape model = read_config(file, read_json_file(file, "give a model's config.json"));
  model.checkpoint_bytes = checkpoint_bytes(path.parent_path().string());
  return model;
}

}  // namespace mikv::tools
