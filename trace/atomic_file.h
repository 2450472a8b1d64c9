// SPDX-License-Identifier: Apache-2.0
// Output files that are whole or absent.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "trace/temporary_name.h"

namespace mikv::trace {

/// Writes beside the destination and renames at the end; without commit() nothing is left, not even
/// by a signal whose handler calls remove_temporaries(). A destination that exists and is no
/// regular file (a pipe, a device) is written to directly.
class AtomicFile {
 public:
  /// Throws InputError if the file cannot be created.
  explicit AtomicFile(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Throws InputError, on a full disk for example.
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }

  /// Flushes to disk: after this only the name is missing. Throws InputError.
  void finish();
  /// Finishes and gives the file its name. Throws InputError.
  void commit();

 private:
  [[noreturn]] void refuse(const std::string& doing) const;

  std::string path_;
  std::string temporary_;  // empty when the destination is written directly, or has its name
  std::optional<TemporaryName> removed_on_signals_;
  int fd_ = -1;
};

}  // namespace mikv::trace
