// SPDX-License-Identifier: Apache-2.0
#include "tools/support/terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace mikv::tools {
namespace {

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

// A terminal without control sequences.
bool is_dumb() {
  const char* term = std::getenv("TERM");
  return term != nullptr && std::string_view(term) == "dumb";
}

}  // namespace

bool use_color(ColorMode mode) {
  if (mode != ColorMode::automatic) return mode == ColorMode::always;
  if (is_set("NO_COLOR") || is_dumb()) return false;
  if (is_set("FORCE_COLOR") || is_set("CLICOLOR_FORCE")) return true;
  return ::isatty(STDOUT_FILENO) == 1;
}

std::string bold(std::string_view text, bool color) {
  return color ? fmt::format("\x1b[1m{}\x1b[0m", text) : std::string(text);
}

Progress::Progress(bool quiet)
    : visible_(!quiet && ::isatty(STDERR_FILENO) == 1 && !is_dumb()),
      start_(std::chrono::steady_clock::now()) {}

Progress::~Progress() {
  if (written_) std::fputs("\r\x1b[K", stderr);
}

void Progress::update(std::int64_t done, std::int64_t of) {
  if (!visible_) return;
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start_;
  const double left = elapsed.count() / static_cast<double>(done) * static_cast<double>(of - done);
  fmt::print(stderr, "\r\x1b[K{} of {} heads, about {:.0f} s left", done, of, left);
  written_ = true;
}

}  // namespace mikv::tools
