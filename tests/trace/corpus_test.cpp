// SPDX-License-Identifier: Apache-2.0
// The fuzzer's seeds, in builds without a fuzzer too.
#include <filesystem>

#include "tests/support/catch.h"
#include "tests/trace/input_refusal.h"
#include "trace/value_check.h"

namespace mikv::test {
namespace {

TEST_CASE("every valid seed of the fuzzer is accepted and every hostile one refused") {
  int valid = 0;
  int hostile = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(MIKV_SOURCE_DIR "/data/fuzz_corpus/trace")) {
    const std::string path = entry.path().string();
    INFO(path);
    const auto check = [&] { static_cast<void>(trace::check_values(trace::TraceReader(path))); };
    if (entry.path().filename().string().starts_with("valid_")) {
      ++valid;
      CHECK_NOTHROW(check());
    } else {
      ++hostile;
      CHECK_FALSE(input_refusal(path, check).empty());
    }
  }
  CHECK(valid >= 8);
  CHECK(hostile >= 40);
}

}  // namespace
}  // namespace mikv::test
