// SPDX-License-Identifier: Apache-2.0
// Names of files that must not outlive the program, even if a signal ends it.
#pragma once

#include <cstddef>
#include <string>

namespace mikv::trace {

/// While it lives, remove_temporaries() removes the file of this name. At most 8 at a time are
/// known; an absolute or relative path, while the working directory stays.
class TemporaryName {
 public:
  explicit TemporaryName(const std::string& path);
  ~TemporaryName();
  TemporaryName(const TemporaryName&) = delete;
  TemporaryName& operator=(const TemporaryName&) = delete;

 private:
  std::size_t slot_;
};

/// Removes the files of all names. Safe in a signal handler.
void remove_temporaries() noexcept;

}  // namespace mikv::trace
