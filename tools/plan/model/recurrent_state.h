// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/plan/model/config_object.h"
#include "tools/plan/model/model_shape.h"

namespace mikv::tools {

/// The state of a recurrent layer: gated delta rule (linear_*), KDA (linear_attn_config) or Mamba-2
/// (mamba_*). Throws InputError naming what is missing.
[[nodiscard]] RecurrentState recurrent_state(const ConfigObject& config);

}  // namespace mikv::tools
