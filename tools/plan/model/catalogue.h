// SPDX-License-Identifier: Apache-2.0
// The models of data/models, which the program carries with it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/plan/model/model_shape.h"

namespace mikv::tools {

/// Names of all models, sorted.
[[nodiscard]] std::vector<std::string_view> catalogue_names();

/// Whether the catalogue has a model of this name.
[[nodiscard]] bool in_catalogue(std::string_view name);

/// A model of the catalogue; its name must be there.
[[nodiscard]] ModelShape catalogue_model(std::string_view name);

}  // namespace mikv::tools
