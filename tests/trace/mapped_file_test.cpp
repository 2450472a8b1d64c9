// SPDX-License-Identifier: Apache-2.0
#include "trace/mapped_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "tests/support/catch.h"
#include "tests/support/random_numbers.h"
#include "tests/support/temporary_folder.h"
#include "tests/trace/input_refusal.h"

namespace mikv::test {
namespace {

using trace::MappedFile;

std::string refused(const std::string& path) {
  return input_refusal(path, [&] { const MappedFile file(path); });
}

std::string text_of(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

TEST_CASE("what cannot be mapped is refused with its path") {
  const TemporaryFolder folder;
  SECTION("a missing file") {
    CHECK_THAT(refused(folder.file("missing")),
               ContainsSubstring("cannot be opened: No such file"));
  }
  SECTION("no path at all") {
    const auto action = [] { const MappedFile file(""); };
    CHECK_THROWS_WITH(action(), ContainsSubstring("cannot be opened"));
  }
  SECTION("a directory") {
    CHECK_THAT(refused(folder.path().string()), ContainsSubstring("is not a regular file"));
  }
  SECTION("a device") {
    CHECK_THAT(refused("/dev/zero"), ContainsSubstring("not a regular file"));
  }
  SECTION("a link to nothing") {
    std::filesystem::create_symlink("nothing", folder.file("link"));
    CHECK_THAT(refused(folder.file("link")), ContainsSubstring("cannot be opened"));
  }
  SECTION("a link to itself") {
    std::filesystem::create_symlink("link", folder.file("link"));
    CHECK_THAT(refused(folder.file("link")), ContainsSubstring("cannot be opened"));
  }
}

TEST_CASE("a pipe without a writer is refused, not waited for") {
  const TemporaryFolder folder;
  REQUIRE(::mkfifo(folder.file("pipe").c_str(), 0600) == 0);
  ::alarm(20);  // ends the program should it hang
  CHECK_THAT(refused(folder.file("pipe")), ContainsSubstring("is not a regular file"));
  ::alarm(0);
}

TEST_CASE("an empty file maps to no bytes") {
  const TemporaryFolder folder;
  write_text(folder.file("empty"), "");
  const MappedFile file(folder.file("empty"));
  CHECK(file.bytes().empty());
  file.release(file.bytes());
}

TEST_CASE("a file maps to its bytes, also through a link") {
  const TemporaryFolder folder;
  for (const std::size_t size : {1U, 4095U, 4096U, 4097U, 100'000U}) {
    std::string text(size, '\0');
    RandomNumbers random(size);
    for (char& c : text) c = static_cast<char>(random.below(256));
    write_text(folder.file("file"), text);
    CHECK(text_of(MappedFile(folder.file("file"))) == text);
  }
  std::filesystem::create_symlink("file", folder.file("link"));
  CHECK(text_of(MappedFile(folder.file("link"))) == read_text(folder.file("file")));
}

TEST_CASE("letting go of any part changes no byte") {
  const TemporaryFolder folder;
  std::string text(50'001, '\0');
  RandomNumbers random(7);
  for (char& c : text) c = static_cast<char>(random.below(256));
  write_text(folder.file("file"), text);
  const MappedFile file(folder.file("file"));
  for (int i = 0; i < 200; ++i) {
    const std::size_t begin = random.below(text.size() + 1);
    file.release(file.bytes().subspan(begin, random.below(text.size() - begin + 1)));
    REQUIRE(text_of(file) == text);
  }
  file.release(file.bytes());
  CHECK(text_of(file) == text);
}

}  // namespace
}  // namespace mikv::test
