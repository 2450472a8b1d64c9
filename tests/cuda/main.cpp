// SPDX-License-Identifier: Apache-2.0
// Chooses device 0, or says why the tests are skipped (exit code 77).
#if __has_include(<catch2/catch.hpp>)
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#else
#include <catch2/catch_session.hpp>
#endif

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "core/error.h"
#include "cuda/devices.h"

int main(int argc, char** argv) {
  constexpr int kSkipped = 77;
  const bool lists = std::any_of(argv, argv + argc, [](const char* argument) {
    return std::string_view(argument).find("list") != std::string_view::npos && argument[0] == '-';
  });
  if (!lists) {
    try {
      std::printf("device: %s\n", mikv::cuda::use_device(0).name.c_str());
    } catch (const mikv::DeviceError& error) {
      std::printf("skipped: no CUDA device: %s\n", error.what());
      return kSkipped;
    }
  }
  return Catch::Session().run(argc, argv);
}
