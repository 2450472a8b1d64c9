// SPDX-License-Identifier: Apache-2.0
#include "trace/safetensors_dtype.h"

#include <map>
#include <string>

#include "tests/support/catch.h"

namespace mikv::test {
namespace {

TEST_CASE("every dtype of the format has its size: a wrong one would refuse other people's files") {
  const std::map<std::string, int> bits{
      {"BOOL", 8}, {"F4", 4},          {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"U8", 8},
      {"I8", 8},   {"F8_E5M2", 8},     {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8},
      {"I16", 16}, {"F8_E5M2FNUZ", 8}, {"U16", 16},    {"F16", 16},    {"BF16", 16},
      {"I32", 32}, {"U32", 32},        {"F32", 32},    {"C64", 64},    {"F64", 64},
      {"I64", 64}, {"U64", 64},
  };
  for (const auto& [name, expected] : bits) {
    INFO(name);
    CHECK(trace::dtype_bits(name) == expected);
  }
  for (const char* name : {"", "f16", "F16 ", "FP16", "F17", "BFLOAT16", "F1", "F160"}) {
    INFO(name);
    CHECK_FALSE(trace::dtype_bits(name));
  }
}

TEST_CASE("a trace holds F16, BF16 or F32 and no other dtype") {
  CHECK(trace::element_type("F16") == ElementType::f16);
  CHECK(trace::element_type("BF16") == ElementType::bf16);
  CHECK(trace::element_type("F32") == ElementType::f32);
  for (const char* name : {"F64", "I16", "U16", "F8_E4M3", "f16", ""}) {
    INFO(name);
    CHECK_FALSE(trace::element_type(name));
  }
}

}  // namespace
}  // namespace mikv::test
