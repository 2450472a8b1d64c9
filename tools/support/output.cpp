// SPDX-License-Identifier: Apache-2.0
#include "tools/support/output.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

#include "core/error.h"
#include "trace/atomic_file.h"

namespace mikv::tools {

void require_writable(const std::string& destination) {
  if (destination == "-") return;
  if (!is_special(destination)) {
    const trace::AtomicFile attempt(destination);  // leaves nothing
    return;
  }
  // Opening a pipe would wait for its reader, and closing it again would end the reader's input.
  if (::access(destination.c_str(), W_OK) != 0) {
    throw InputError(destination, "", "cannot be written: " + std::system_category().message(errno),
                     "check its permissions");
  }
}

void write_documents(const std::vector<Document>& documents) {
  std::vector<std::unique_ptr<trace::AtomicFile>> files;
  for (const Document& document : documents) {
    if (document.destination == "-") {
      print_out(document.text);
      continue;
    }
    files.push_back(std::make_unique<trace::AtomicFile>(document.destination));
    files.back()->write(document.text);
    files.back()->finish();
  }
  for (const auto& file : files) file->commit();
}

void print_out(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    throw InputError("standard output", "",
                     std::string("cannot be written: ") + std::system_category().message(errno),
                     "check where it goes");
  }
}

bool is_special(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

bool is_stdout(const std::string& path) {
  struct stat file{};
  struct stat out{};
  return ::stat(path.c_str(), &file) == 0 && ::fstat(STDOUT_FILENO, &out) == 0 &&
         file.st_dev == out.st_dev && file.st_ino == out.st_ino;
}

}  // namespace mikv::tools
