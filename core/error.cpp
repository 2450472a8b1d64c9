// SPDX-License-Identifier: Apache-2.0
#include "core/error.h"

namespace mikv {
namespace {

std::string join(std::string_view file, std::string_view field, std::string_view problem,
                 std::string_view remedy) {
  std::string line(file);
  if (!field.empty()) line.append(line.empty() ? "" : ": ").append(field);
  line.append(line.empty() ? "" : ": ").append(problem);
  if (!remedy.empty()) line.append("; ").append(remedy);
  return line;
}

}  // namespace

Error::Error(ExitCode code, const std::string& line)
    : std::runtime_error(escape(line)), exit_code_(code) {}

UsageError::UsageError(std::string_view option, std::string_view problem, std::string_view remedy)
    : Error(ExitCode::usage, join("", option, problem, remedy)),
      option_(option),
      detail_(escape(join("", "", problem, remedy))) {}

InputError::InputError(std::string_view file, std::string_view field, std::string_view problem,
                       std::string_view remedy)
    : Error(ExitCode::input, join(file, field, problem, remedy)) {}

NumericalError::NumericalError(std::string_view where, std::string_view problem)
    : Error(ExitCode::input, join("", where, problem, "")) {}

DeviceError::DeviceError(std::string_view problem, std::string_view remedy)
    : Error(ExitCode::device, join("", "device", problem, remedy)) {}

InternalError::InternalError(std::string_view problem)
    : Error(ExitCode::internal, join("", "internal error", problem, "")) {}

std::string escape(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto byte_at = [text](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  std::string out;
  out.reserve(text.size());
  std::size_t escape_until = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const unsigned byte = byte_at(i);
    const bool c1 = byte == 0xc2 && byte_at(i + 1) >= 0x80 && byte_at(i + 1) < 0xa0;
    if (c1) escape_until = i + 2;
    if (byte < 0x20 || byte == 0x7f || i < escape_until) {
      out.append("\\x").append({kHex[byte >> 4], kHex[byte & 15]});
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

}  // namespace mikv
