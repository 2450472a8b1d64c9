// SPDX-License-Identifier: Apache-2.0
// Where a command's documents go: a file, or stdout for "-".
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mikv::tools {

/// A whole document and the file, or "-", that it goes to.
struct Document {
  std::string destination;
  std::string text;
};

/// Throws InputError if a document could not be written there: to be known before long work.
void require_writable(const std::string& destination);

/// Writes documents to files (atomically: all of them or none) or to stdout. Throws InputError if
/// it cannot.
void write_documents(const std::vector<Document>& documents);

/// Writes to stdout. Throws InputError if it cannot, on a full disk for example.
void print_out(std::string_view text);

/// Whether a path leads to something that exists and is neither a regular file nor a folder.
[[nodiscard]] bool is_special(const std::string& path);

/// Whether a path leads to the file, pipe or device that stdout is.
[[nodiscard]] bool is_stdout(const std::string& path);

}  // namespace mikv::tools
