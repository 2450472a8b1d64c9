// SPDX-License-Identifier: Apache-2.0
// What the terminal can take: colour on stdout, progress on stderr.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace mikv::tools {

enum class ColorMode : std::uint8_t { automatic, always, never };

/// Resolves --color: NO_COLOR and TERM=dumb switch it off, FORCE_COLOR and CLICOLOR_FORCE on, else
/// a terminal decides.
[[nodiscard]] bool use_color(ColorMode mode);

/// Bold text where colour is on.
[[nodiscard]] std::string bold(std::string_view text, bool color);

/// One line on stderr that counts finished parts and estimates the rest; only on a terminal
/// that can overwrite it (not TERM=dumb).
class Progress {
 public:
  explicit Progress(bool quiet);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void update(std::int64_t done, std::int64_t of);

 private:
  bool visible_;
  bool written_ = false;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace mikv::tools
