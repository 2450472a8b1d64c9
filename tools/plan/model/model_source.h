// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "tools/plan/model/model_shape.h"

namespace mikv::tools {

/// The model that --model names: of the catalogue, a config.json, or a folder with one; the index
/// of a checkpoint beside it says the bytes of the weights. Throws UsageError for a name that is
/// neither, InputError for a file that cannot be understood.
[[nodiscard]] ModelShape load_model(const std::string& name_or_path);

}  // namespace mikv::tools
