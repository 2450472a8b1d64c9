// SPDX-License-Identifier: Apache-2.0
#include "core/storage_format.h"

#include <set>
#include <string_view>

#include "core/page_layout.h"
#include "tests/support/catch.h"

namespace mikv::test {
namespace {

constexpr ElementType kElements[] = {ElementType::f16, ElementType::bf16, ElementType::f32};

TEST_CASE("every format is found under its own name and under no other") {
  std::set<std::string_view> names;
  for (const StorageFormat format : storage_formats()) {
    INFO(name(format));
    CHECK(storage_format(name(format)) == format);
    CHECK(names.insert(name(format)).second);
  }
  for (const char* text : {"", "FP16", "int2 ", " int2", "int", "int22", "native", "f16"}) {
    INFO("'" << text << "'");
    CHECK_FALSE(storage_format(text).has_value());
  }
}

TEST_CASE("formats have the widths and tiers that ALGORITHM 8 allows") {
  struct Row {
    StorageFormat format;
    std::string_view name;
    int bits;
    bool quantized;
    bool importance;
    bool retained;
  };
  using enum StorageFormat;
  const Row rows[] = {
      {fp16, "fp16", 16, false, true, false}, {bf16, "bf16", 16, false, true, false},
      {fp32, "fp32", 32, false, true, false}, {int8, "int8", 8, true, true, true},
      {int4, "int4", 4, true, true, true},    {int3, "int3", 3, true, false, true},
      {int2, "int2", 2, true, false, true},   {none, "none", 0, false, false, true},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    CHECK(name(row.format) == row.name);
    CHECK(info(row.format).bits == row.bits);
    CHECK(info(row.format).quantized == row.quantized);
    CHECK(info(row.format).importance_tier == row.importance);
    CHECK(info(row.format).retained_tier == row.retained);
  }
}

TEST_CASE("a format is codes of 1 to 8 bits, whole recorded elements, or nothing") {
  REQUIRE(storage_formats().size() >= 8);
  for (const StorageFormat format : storage_formats()) {
    INFO(name(format));
    const StorageFormatInfo& about = info(format);
    CHECK((about.importance_tier || about.retained_tier));
    if (about.quantized) {
      CHECK(about.bits >= 1);
      CHECK(about.bits <= 8);
      CHECK_FALSE(about.element.has_value());
    } else if (about.element) {
      CHECK(about.bits == 8 * element_bytes(*about.element));
      CHECK_FALSE(about.retained_tier);  // a demoted token's exact value is gone
    } else {
      CHECK(about.bits == 0);
      CHECK_FALSE(about.importance_tier);
    }
  }
}

TEST_CASE("the native format of an element type bears its name and stores it exactly") {
  for (const ElementType element : kElements) {
    INFO(element_name(element));
    const StorageFormat format = native_format(element);
    CHECK(name(format) == element_name(element));
    CHECK(info(format).element == element);
    CHECK_FALSE(info(format).quantized);
    CHECK(info(format).importance_tier);
  }
}

// In integers: 8 * bytes / (2 D) = N + 32/g, times 2 D g.
TEST_CASE("an element costs N + 32/g bits when quantized and N bits when not") {
  std::int64_t compared = 0;
  for (const StorageFormat format : storage_formats()) {
    const std::int64_t bits = info(format).bits;
    for (const std::int64_t d : {8, 64, 80, 96, 112, 128, 192, 256}) {
      for (std::int64_t g = 8; g <= d; g += 8) {
        if (d % g != 0) continue;
        INFO(name(format) << ", D = " << d << ", g = " << g);
        const PageLayout layout(format, Tier::importance, d, g);
        const std::int64_t bytes = 2 * layout.payload_bytes + layout.scale_bytes();
        const std::int64_t params = info(format).quantized ? 32 : 0;
        CHECK(8 * bytes * g == 2 * d * (bits * g + params));
        ++compared;
      }
    }
  }
  CHECK(compared >= 8 * 8);
}

}  // namespace
}  // namespace mikv::test
