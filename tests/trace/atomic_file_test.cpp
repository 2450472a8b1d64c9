// SPDX-License-Identifier: Apache-2.0
#include "trace/atomic_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <stdexcept>
#include <thread>

#include "tests/support/catch.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/temporary_folder.h"
#include "tests/trace/input_refusal.h"

namespace mikv::test {
namespace {

namespace fs = std::filesystem;
using trace::AtomicFile;

std::set<std::string> names_in(const TemporaryFolder& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder.path())) {
    names.insert(entry.path().filename().string());
  }
  return names;
}

void write_whole(const std::string& path, const std::string& text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

std::string refused(const std::string& path) {
  return input_refusal(path, [&] { write_whole(path, "text"); });
}

TEST_CASE("a committed file holds what was written, and nothing else is left") {
  const TemporaryFolder folder;
  {
    AtomicFile file(folder.file("out"));
    file.write("one ");
    file.write(std::string_view());
    file.write(std::string(1 << 20, 'x'));
    file.commit();
    CHECK(read_text(folder.file("out")) == "one " + std::string(1 << 20, 'x'));
  }
  CHECK(read_text(folder.file("out")).size() == 4 + (1 << 20));
  CHECK(names_in(folder) == std::set<std::string>{"out"});
}

TEST_CASE("without commit nothing is left") {
  const TemporaryFolder folder;
  {
    AtomicFile file(folder.file("out"));
    file.write("half a fi");
    CHECK_FALSE(fs::exists(folder.file("out")));
  }
  CHECK(names_in(folder).empty());
}

TEST_CASE("an error in the middle leaves the old file and nothing else") {
  const TemporaryFolder folder;
  write_text(folder.file("out"), "old");
  try {
    AtomicFile file(folder.file("out"));
    file.write("new");
    throw std::runtime_error("in the middle");
  } catch (const std::runtime_error&) {
    CHECK(read_text(folder.file("out")) == "old");
  }
  CHECK(names_in(folder) == std::set<std::string>{"out"});
}

TEST_CASE("an existing file is intact until commit and replaced whole by it") {
  const TemporaryFolder folder;
  write_text(folder.file("out"), "a long old text");
  AtomicFile file(folder.file("out"));
  file.write("new");
  CHECK(read_text(folder.file("out")) == "a long old text");
  file.commit();
  CHECK(read_text(folder.file("out")) == "new");
  CHECK(names_in(folder) == std::set<std::string>{"out"});
}

TEST_CASE("the temporary lies beside the destination: a rename cannot cross file systems") {
  const TemporaryFolder folder;
  const AtomicFile file(folder.file("out"));
  const std::set<std::string> names = names_in(folder);
  REQUIRE(names.size() == 1);
  CHECK(names.begin()->starts_with(".mikv-"));
}

TEST_CASE("a name as long as names can be leaves room for the temporary's") {
  const TemporaryFolder folder;
  const std::string name(255, 'n');
  write_whole(folder.file(name), "text");
  CHECK(names_in(folder) == std::set<std::string>{name});
}

TEST_CASE("two files of one folder are written at a time") {
  const TemporaryFolder folder;
  AtomicFile one(folder.file("one"));
  AtomicFile two(folder.file("two"));
  one.write("1");
  two.write("2");
  one.commit();
  two.commit();
  CHECK(read_text(folder.file("one")) == "1");
  CHECK(read_text(folder.file("two")) == "2");
}

TEST_CASE("a finished file has all but its name") {
  const TemporaryFolder folder;
  {
    AtomicFile file(folder.file("out"));
    file.write("text");
    file.finish();
    CHECK_FALSE(fs::exists(folder.file("out")));
  }
  CHECK(names_in(folder).empty());
}

TEST_CASE("a symbolic link stays a link, its target is replaced") {
  const TemporaryFolder folder;
  const TemporaryFolder elsewhere;
  SECTION("one link") {
    write_text(elsewhere.file("target"), "old");
    fs::create_symlink(elsewhere.file("target"), folder.file("out"));
  }
  SECTION("a chain of relative links") {
    write_text(elsewhere.file("target"), "old");
    fs::create_symlink(elsewhere.file("target"), folder.file("middle"));
    fs::create_symlink("middle", folder.file("out"));
  }
  SECTION("a link to a file that is yet to be made") {
    fs::create_symlink(elsewhere.file("target"), folder.file("out"));
  }
  const std::set<std::string> before = names_in(folder);
  write_whole(folder.file("out"), "new");
  CHECK(fs::is_symlink(folder.file("out")));
  CHECK(read_text(elsewhere.file("target")) == "new");
  CHECK(names_in(folder) == before);
  CHECK(names_in(elsewhere) == std::set<std::string>{"target"});
}

TEST_CASE("a link planted where the temporary will be is not followed") {
  const TemporaryFolder folder;
  write_text(folder.file("victim"), "precious");
  std::string temporary;
  {
    const AtomicFile file(folder.file("out"));
    for (const std::string& name : names_in(folder)) {
      if (name != "victim") temporary = name;
    }
  }
  fs::create_symlink(folder.file("victim"), folder.file(temporary));
  write_whole(folder.file("out"), "new");
  CHECK(read_text(folder.file("victim")) == "precious");
  CHECK(read_text(folder.file("out")) == "new");
  CHECK_FALSE(fs::is_symlink(folder.file("out")));
}

TEST_CASE("what is no regular file is written to, not replaced: a pipe gets the bytes") {
  const TemporaryFolder folder;
  const std::string path = folder.file("pipe");
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  std::string received;
  ::alarm(20);  // ends the program should it hang
  std::thread reader([&] { received = read_text(path); });
  write_whole(path, "through the pipe");
  reader.join();
  ::alarm(0);
  CHECK(received == "through the pipe");
  CHECK(fs::is_fifo(path));
}

TEST_CASE("a disk that takes no more is an error, not a short file") {
  const TemporaryFolder folder;
  std::string line;
  {
    const FileSizeLimit limit(2);  // bytes
    line = refused(folder.file("out"));
  }
  CHECK_THAT(line, ContainsSubstring("cannot be written"));
  CHECK(names_in(folder).empty());
}

TEST_CASE("a destination that cannot be is refused at once") {
  const TemporaryFolder folder;
  SECTION("a directory") {
    fs::create_directory(folder.file("out"));
    CHECK_THAT(refused(folder.file("out")), ContainsSubstring("is a directory"));
    CHECK(fs::is_empty(folder.file("out")));
  }
  SECTION("a link to a directory") {
    fs::create_directory(folder.file("there"));
    fs::create_symlink("there", folder.file("out"));
    CHECK_THAT(refused(folder.file("out")), ContainsSubstring("is a directory"));
  }
  SECTION("in a folder that is not there") {
    CHECK_THAT(refused(folder.file("missing/out")),
               ContainsSubstring("cannot be created: No such"));
    CHECK(names_in(folder).empty());
  }
  SECTION("in a file") {
    write_text(folder.file("file"), "x");
    CHECK_THAT(refused(folder.file("file/out")), ContainsSubstring("cannot be created"));
    CHECK(read_text(folder.file("file")) == "x");
  }
  SECTION("a link to itself") {
    fs::create_symlink("out", folder.file("out"));
    ::alarm(20);  // ends the program should it hang
    CHECK_THAT(refused(folder.file("out")), ContainsSubstring("cannot be created"));
    ::alarm(0);
    CHECK(fs::is_symlink(folder.file("out")));
  }
  SECTION("a name that is too long") {
    CHECK_THAT(refused(folder.file(std::string(300, 'n'))), ContainsSubstring("too long"));
  }
}

TEST_CASE("a destination that becomes a directory before commit is refused, nothing is left") {
  const TemporaryFolder folder;
  {
    AtomicFile file(folder.file("out"));
    file.write("text");
    fs::create_directory(folder.file("out"));
    CHECK_THAT(input_refusal(folder.file("out"), [&] { file.commit(); }),
               ContainsSubstring("cannot be renamed into place"));
  }
  CHECK(names_in(folder) == std::set<std::string>{"out"});
}

TEST_CASE("others may read the file as far as the umask lets them") {
  const TemporaryFolder folder;
  const mode_t old = ::umask(022);
  write_whole(folder.file("out"), "text");
  ::umask(old);
  struct stat status{};
  REQUIRE(::stat(folder.file("out").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0644);
}

}  // namespace
}  // namespace mikv::test
