// SPDX-License-Identifier: Apache-2.0
// Where a command's documents go: a file, or stdout for "-".
#pragma once

#include <string>
#include <string_view>

namespace mikv::tools {

/// Writes a whole document to a file (atomically) or to stdout. Throws InputError if it cannot.
void write_document(const std::string& destination, std::string_view text);

/// Writes to stdout. Throws InputError if it cannot, on a full disk for example.
void print_out(std::string_view text);

}  // namespace mikv::tools
