// SPDX-License-Identifier: Apache-2.0
// The project's errors: each is one line for a person and one exit code for a script.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace mikv {

/// Process exit codes, the same for every command.
enum class ExitCode : int {
  ok = 0,
  threshold = 1,  ///< a --fail-if condition was true, a comparison failed, a plan does not fit
  usage = 2,      ///< the command line or the configuration
  input = 3,      ///< an input file
  device = 4,     ///< no usable device
  internal = 5,   ///< a bug, or an environment in which results would be wrong
};

/// Base of all errors the project throws. what() is one printable line.
class Error : public std::runtime_error {
 public:
  [[nodiscard]] ExitCode exit_code() const { return exit_code_; }

 protected:
  Error(ExitCode code, const std::string& line);

 private:
  ExitCode exit_code_;
};

/// A wrong option or configuration: "OPTION: what is wrong; what to do".
class UsageError : public Error {
 public:
  UsageError(std::string_view option, std::string_view problem, std::string_view remedy);

  [[nodiscard]] const std::string& option() const { return option_; }
  /// what() without the option: "what is wrong; what to do".
  [[nodiscard]] const std::string& detail() const { return detail_; }

 private:
  std::string option_;
  std::string detail_;
};

/// A bad input file: "FILE: FIELD: what is wrong; what to do". An empty field is left out.
class InputError : public Error {
 public:
  InputError(std::string_view file, std::string_view field, std::string_view problem,
             std::string_view remedy);
};

/// A logit, key or output that is not finite (CONTRACT R5): "layer L, head H, token T: what".
class NumericalError : public Error {
 public:
  NumericalError(std::string_view where, std::string_view problem);
};

/// No usable device, or a device that failed: "device: what is wrong; what to do".
class DeviceError : public Error {
 public:
  DeviceError(std::string_view problem, std::string_view remedy);
};

/// A bug, or floating-point settings under which the contract's bits cannot be produced.
class InternalError : public Error {
 public:
  explicit InternalError(std::string_view problem);
};

/// Writes control characters (C0, DEL and UTF-8's C1) as \xNN: untrusted names print on one line.
[[nodiscard]] std::string escape(std::string_view text);

}  // namespace mikv
