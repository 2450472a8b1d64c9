// SPDX-License-Identifier: Apache-2.0
#include "tools/support/text_file.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

#include "core/error.h"

namespace mikv::tools {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{64} << 20;

// Closes the file.
struct Closer {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

std::string read_text_file(const std::string& path, std::string_view remedy) {
  const auto refuse = [&](const std::string& doing) {
    throw InputError(path, "", doing + ": " + std::system_category().message(errno), remedy);
  };
  const std::unique_ptr<std::FILE, Closer> file(std::fopen(path.c_str(), "rbe"));
  if (!file) refuse("cannot be opened");
  std::string text;
  std::array<char, 65'536> part;
  while (const std::size_t count = std::fread(part.data(), 1, part.size(), file.get())) {
    text.append(part.data(), count);
    if (text.size() > kMaxBytes) throw InputError(path, "", "is larger than 64 MiB", remedy);
  }
  if (std::ferror(file.get()) != 0) refuse("cannot be read");
  return text;
}

}  // namespace mikv::tools
