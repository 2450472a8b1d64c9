// SPDX-License-Identifier: Apache-2.0
#include "core/report.h"

#include <limits>

#include "tests/support/catch.h"

namespace mikv::test {
namespace {

TEST_CASE("an error where nothing was compared is undefined, not zero") {
  CHECK_FALSE(ErrorSums{}.relative().has_value());
}

TEST_CASE("zeros reproduced as zeros are no error") {
  const ErrorSums sums{.error_squared = 0, .reference_squared = 0, .count = 3};
  REQUIRE(sums.relative().has_value());
  CHECK(*sums.relative() == 0);
}

TEST_CASE("a difference from zeros has no relative size") {
  const ErrorSums sums{.error_squared = 1e-30, .reference_squared = 0, .count = 3};
  CHECK_FALSE(sums.relative().has_value());
}

TEST_CASE("the relative error is a root, and exact equality gives exactly zero") {
  CHECK(ErrorSums{.error_squared = 9, .reference_squared = 100, .count = 1}.relative() == 0.3);
  CHECK(ErrorSums{.error_squared = 100, .reference_squared = 25, .count = 9}.relative() == 2.0);
  CHECK(ErrorSums{.error_squared = 0, .reference_squared = 25, .count = 9}.relative() == 0.0);
}

TEST_CASE("pooling adds the sums and does not average the errors") {
  ErrorSums sums{.error_squared = 1, .reference_squared = 1, .count = 1};
  sums += {.error_squared = 3, .reference_squared = 399, .count = 2};
  CHECK(sums.error_squared == 4);
  CHECK(sums.reference_squared == 400);
  CHECK(sums.count == 3);
  CHECK(sums.relative() == 0.1);
  sums += {};
  CHECK(sums.relative() == 0.1);
}

TEST_CASE("the mean divergence weighs every comparison alike and is undefined without one") {
  CHECK_FALSE(DivergenceSum{}.mean().has_value());
  CHECK(DivergenceSum{.sum = 0, .count = 4}.mean() == 0.0);
  DivergenceSum pooled{.sum = 1, .count = 1};
  pooled += {.sum = 0.5, .count = 3};
  CHECK(pooled.sum == 1.5);
  CHECK(pooled.count == 4);
  CHECK(pooled.mean() == 0.375);
  pooled += {};
  CHECK(pooled.mean() == 0.375);
}

// Every number differs, so that a field added to the wrong one shows.
CacheFigures figures() {
  CacheFigures f;
  f.importance_tokens = 1;
  f.retained_tokens = 2;
  f.bytes.add(ByteCategory::importance_key, 30);
  f.bytes.add(ByteCategory::slack, 4);
  f.full_cache_bytes = 50;
  f.stored_elements = 60;
  f.saturated_groups = 7;
  f.key_error = {.error_squared = 8, .reference_squared = 9, .count = 10};
  f.value_error = {.error_squared = 11, .reference_squared = 12, .count = 13};
  f.output_error = {.error_squared = 14, .reference_squared = 15, .count = 16};
  f.kernel_error = {.error_squared = 17, .reference_squared = 18, .count = 19};
  f.attention_kl = {.sum = 20, .count = 21};
  return f;
}

void check_sums(const ErrorSums& sums, const ErrorSums& once, int times) {
  CHECK(sums.error_squared == times * once.error_squared);
  CHECK(sums.reference_squared == times * once.reference_squared);
  CHECK(sums.count == times * once.count);
}

TEST_CASE("pooling figures adds every field") {
  CacheFigures pooled = figures();
  pooled += figures();
  pooled += figures();
  const CacheFigures once = figures();
  // A field that joins CacheFigures makes this line fail to compile: pool and check it too.
  const auto& [important, retained, bytes, full, elements, saturated, key, value, output, kernel,
               kl] = pooled;
  CHECK(important == 3);
  CHECK(retained == 6);
  for (const ByteCategory category : byte_categories()) {
    CHECK(bytes.current(category) == 3 * once.bytes.current(category));
  }
  CHECK(bytes.peak() == 3 * 34);
  CHECK(full == 150);
  CHECK(elements == 180);
  CHECK(saturated == 21);
  check_sums(key, once.key_error, 3);
  check_sums(value, once.value_error, 3);
  check_sums(output, once.output_error, 3);
  check_sums(kernel, once.kernel_error, 3);
  CHECK(kl.sum == 60);
  CHECK(kl.count == 63);
}

TEST_CASE("an empty cache has no bits an element") {
  CHECK_FALSE(CacheFigures{}.bits_per_element().has_value());
}

TEST_CASE("bits an element count the paper's bytes only") {
  CHECK(figures().bits_per_element() == 4.0);  // 8 * 30 / 60; slack is left out
  CacheFigures fractional;
  fractional.bytes.add(ByteCategory::retained_key, 5);
  fractional.stored_elements = 16;
  CHECK(fractional.bits_per_element() == 2.5);
  CacheFigures positions_only;
  positions_only.bytes.add(ByteCategory::positions, 400);
  positions_only.stored_elements = 10;
  CHECK(positions_only.bits_per_element() == 0.0);
}

}  // namespace
}  // namespace mikv::test
