// SPDX-License-Identifier: Apache-2.0
// Reads a Hugging Face config.json.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "tools/plan/model/model_shape.h"

namespace mikv::tools {

/// The shape that a configuration describes; file names it in errors. Throws InputError naming the
/// field that is missing, contradictory or not understood: nothing is guessed.
[[nodiscard]] ModelShape read_config(const std::string& file, const nlohmann::json& json);

}  // namespace mikv::tools
