// SPDX-License-Identifier: Apache-2.0
#include "trace/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <functional>
#include <system_error>

#include "core/error.h"
#include "trace/link_target.h"

namespace mikv::trace {
namespace {

// In the same folder, so that renaming works; short, whatever the length of the name.
std::string temporary_beside(const std::string& path) {
  const std::filesystem::path destination = path;
  const std::size_t hash = std::hash<std::string>()(destination.filename().string());
  const std::string name =
      ".mikv-" + std::to_string(::getpid()) + "-" + std::to_string(hash % 1'000'000'007);
  return (destination.parent_path() / name).string();
}

}  // namespace

AtomicFile::AtomicFile(const std::string& path) : path_(path) {
  struct stat status{};
  const bool exists = ::stat(path.c_str(), &status) == 0;
  if (!exists && errno != ENOENT) refuse("cannot be created");  // links in a circle, for one
  const bool special = exists && !S_ISREG(status.st_mode);
  if (special && S_ISDIR(status.st_mode)) {
    throw InputError(path_, "", "is a directory", "give the path of a file");
  }
  if (special) {
    fd_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  } else {
    path_ = link_target(path);
    temporary_ = temporary_beside(path_);
    removed_on_signals_.emplace(temporary_);
    // A link planted under this name in a shared folder must not be followed.
    ::unlink(temporary_.c_str());
    fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  }
  if (fd_ < 0) refuse("cannot be created");
}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::refuse(const std::string& doing) const {
  throw InputError(path_, "", doing + ": " + std::system_category().message(errno),
                   "check the folder, its permissions and the free space");
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) refuse("cannot be written");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::finish() {
  if (fd_ < 0) return;
  if (!temporary_.empty() && ::fsync(fd_) != 0) refuse("cannot be written");
  const int closed = ::close(fd_);
  fd_ = -1;
  if (closed != 0) refuse("cannot be written");
}

void AtomicFile::commit() {
  finish();
  if (temporary_.empty()) return;
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) refuse("cannot be renamed into place");
  temporary_.clear();
  removed_on_signals_.reset();
}

}  // namespace mikv::trace
