// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace mikv::tools {

/// Bytes of all tensors of a sharded checkpoint, as the model.safetensors.index.json in this folder
/// says (metadata.total_size); nullopt where there is none. Throws InputError for one that says no
/// such number.
[[nodiscard]] std::optional<std::int64_t> checkpoint_bytes(const std::string& folder);

}  // namespace mikv::tools
