// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "tools/plan/model/model_shape.h"

namespace mikv::tools {

/// The layers that keep something, by kind: "10 full, 50 sliding 1024".
[[nodiscard]] std::string layers_text(const ModelShape& model);

/// "8 x 128", "1 x 576 latent", "4 x 192/128", "state".
[[nodiscard]] std::string heads_text(const LayerShape& layer);

}  // namespace mikv::tools
