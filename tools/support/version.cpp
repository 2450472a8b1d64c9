// SPDX-License-Identifier: Apache-2.0
#include "tools/support/version.h"

#include "cuda/devices.h"
#include "mikv_commit.h"  // generated at build time
#include "reference/isa.h"

namespace mikv::tools {
namespace {

constexpr std::string_view kCompiler =
#if defined(__clang__)
    "clang " __clang_version__;
#else
    "gcc " __VERSION__;
#endif

constexpr std::string_view kArchitecture =
#if defined(__x86_64__)
    "x86-64";
#elif defined(__aarch64__)
    "arm64";
#else
        "other";
#endif

}  // namespace

Version version() {
  return {.version = MIKV_VERSION,
          .commit = MIKV_COMMIT,
          .compiler = kCompiler,
          .isa = std::string(kArchitecture).append(" ").append(name(reference::selected_isa())),
          .cuda = cuda::is_built()};
}

}  // namespace mikv::tools
