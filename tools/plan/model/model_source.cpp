// SPDX-License-Identifier: Apache-2.0
#include "tools/plan/model/model_source.h"

#include <filesystem>

#include "core/error.h"
#include "tools/plan/model/catalogue.h"
#include "tools/plan/model/checkpoint_index.h"
#include "tools/plan/model/config_reader.h"
#include "tools/support/json_file.h"
#include "tools/support/nearest_names.h"

namespace mikv::tools {
namespace {

// Names of hubs have an owner in front.
[[noreturn]] void refuse_unknown(const std::string& name) {
  constexpr std::size_t kLongestName = 256;
  const std::string last = name.substr(name.rfind('/') + 1).substr(0, kLongestName);
  std::string nearest;
  for (const std::string_view known : nearest_names(last, catalogue_names(), 3)) {
    nearest.append(nearest.empty() ? "" : ", ").append(known);
  }
  throw UsageError(
      "--model", "'" + name + "' is no model of the catalogue and no file",
      "nearest names of 'mikv models': " + nearest + "; or give the path of a config.json");
}

}  // namespace

ModelShape load_model(const std::string& name_or_path) {
  if (in_catalogue(name_or_path)) return catalogue_model(name_or_path);
  std::filesystem::path path(name_or_path);
  std::error_code error;  // what cannot be asked for cannot be opened either
  if (std::filesystem::is_directory(path, error)) path /= "config.json";
  if (!std::filesystem::exists(path, error) && path.extension() != ".json") {
    refuse_unknown(name_or_path);
  }
  const std::string file = path.string();
  ModelShape model = read_config(file, read_json_file(file, "give a model's config.json"));
  model.checkpoint_bytes = checkpoint_bytes(path.parent_path().string());
  return model;
}

}  // namespace mikv::tools
