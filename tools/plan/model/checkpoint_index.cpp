// SPDX-License-Identifier: Apache-2.0
#include "tools/plan/model/checkpoint_index.h"

#include <filesystem>

#include "core/error.h"
#include "tools/support/json_file.h"

namespace mikv::tools {

std::optional<std::int64_t> checkpoint_bytes(const std::string& folder) {
  const std::filesystem::path path = std::filesystem::path(folder) / "model.safetensors.index.json";
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return std::nullopt;
  constexpr const char* kRemedy = "repair it, or give --weights-bytes and another folder";
  const nlohmann::json index = read_json_file(path.string(), kRemedy);
  constexpr std::uint64_t kMost = std::uint64_t{1} << 50;
  if (index.is_object() && index.contains("metadata") && index["metadata"].is_object()) {
    const nlohmann::json size = index["metadata"].value("total_size", nlohmann::json());
    if (size.is_number_unsigned() && size.get<std::uint64_t>() < kMost) {
      return size.get<std::int64_t>();
    }
  }
  throw InputError(path.string(), "metadata.total_size", "is no number of bytes", kRemedy);
}

}  // namespace mikv::tools
