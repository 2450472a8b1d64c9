// SPDX-License-Identifier: Apache-2.0
#include "tools/support/output.h"

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "core/error.h"
#include "trace/atomic_file.h"

namespace mikv::tools {

void write_document(const std::string& destination, std::string_view text) {
  if (destination == "-") {
    print_out(text);
    return;
  }
  trace::AtomicFile file(destination);
  file.write(text);
  file.commit();
}

void print_out(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    throw InputError("standard output", "",
                     std::string("cannot be written: ") + std::system_category().message(errno),
                     "check where it goes");
  }
}

}  // namespace mikv::tools
