// SPDX-License-Identifier: Apache-2.0
// Numbers for people.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace mikv::tools {

/// Three significant digits and a unit of powers of two: "185 KiB", "1.85 MiB".
[[nodiscard]] std::string bytes_text(std::int64_t bytes);

/// An error in six characters (seven below 1e-9): "0.403", "0.0123", "1.7e-4"; "-" where undefined.
[[nodiscard]] std::string error_text(const std::optional<double>& value);

/// part / whole in percent with one decimal, without the sign; "-" if whole is 0.
[[nodiscard]] std::string percent_text(std::int64_t part, std::int64_t whole);

}  // namespace mikv::tools
