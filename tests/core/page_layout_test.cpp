// SPDX-License-Identifier: Apache-2.0
#include "core/page_layout.h"

#include <cmath>
#include <vector>

#include "tests/support/catch.h"

namespace mikv::test {
namespace {

using enum StorageFormat;

struct Array {
  std::int64_t begin;
  std::int64_t entry_bytes;
};

// A page's arrays in the order in which they lie.
std::vector<Array> arrays(const PageLayout& layout) {
  const std::int64_t groups = layout.groups * 4;
  return {{PageLayout::keys_offset(), layout.payload_bytes},
          {layout.values_offset(), layout.payload_bytes},
          {layout.key_groups_offset(), groups},
          {layout.value_groups_offset(), groups},
          {layout.positions_offset(), 4},
          {layout.scores_offset(), layout.score_bytes}};
}

// The figures of the table below were worked out by hand for D = 128, g = 64.
TEST_CASE("a token takes the bytes that were worked out by hand") {
  struct Row {
    StorageFormat format;
    std::int64_t payload;
    std::int64_t scales;
    std::int64_t paper;  // key and value, alpha and beta
  };
  const Row rows[] = {
      {fp16, 256, 0, 512}, {bf16, 256, 0, 512}, {fp32, 512, 0, 1024}, {int8, 128, 16, 272},
      {int4, 64, 16, 144}, {int3, 48, 16, 112}, {int2, 32, 16, 80},   {none, 0, 0, 0},
  };
  for (const Row& row : rows) {
    INFO(name(row.format));
    const PageLayout important(row.format, Tier::importance, 128, 64);
    const PageLayout retained(row.format, Tier::retained, 128, 64);
    for (const PageLayout& layout : {important, retained}) {
      CHECK(layout.payload_bytes == row.payload);
      CHECK(layout.scale_bytes() == row.scales);
      CHECK(2 * layout.payload_bytes + layout.scale_bytes() == row.paper);
    }
    CHECK(important.token_bytes() == row.paper + 4 + 8);  // position, score
    CHECK(retained.token_bytes() == row.paper + 4);       // position
    CHECK(important.page_bytes() == 64 * (row.paper + 12));
    CHECK(retained.page_bytes() == 64 * (row.paper + 4));
  }
}

TEST_CASE("arrays lie at the offsets that were worked out by hand") {
  const PageLayout native(fp16, Tier::importance, 128, 64);
  CHECK(PageLayout::keys_offset() == 0);
  CHECK(native.values_offset() == 16'384);
  CHECK(native.key_groups_offset() == 32'768);
  CHECK(native.value_groups_offset() == 32'768);  // no groups
  CHECK(native.positions_offset() == 32'768);
  CHECK(native.scores_offset() == 33'024);
  CHECK(native.page_bytes() == 33'536);

  const PageLayout coded(int3, Tier::retained, 128, 64);
  CHECK(coded.values_offset() == 3'072);
  CHECK(coded.key_groups_offset() == 6'144);
  CHECK(coded.value_groups_offset() == 6'656);
  CHECK(coded.positions_offset() == 7'168);
  CHECK(coded.scores_offset() == 7'424);
  CHECK(coded.page_bytes() == 7'424);

  const PageLayout dropped(none, Tier::retained, 128, 64);
  CHECK(dropped.positions_offset() == 0);
  CHECK(dropped.page_bytes() == 256);
}

TEST_CASE("only the importance tier holds scores, only quantized formats hold groups") {
  for (const StorageFormat format : storage_formats()) {
    INFO(name(format));
    CHECK(PageLayout(format, Tier::importance, 128, 64).score_bytes == 8);
    CHECK(PageLayout(format, Tier::retained, 128, 64).score_bytes == 0);
    const PageLayout layout(format, Tier::importance, 96, 24);
    CHECK(layout.groups == (info(format).quantized ? 4 : 0));
  }
}

TEST_CASE("no array overlaps the next, each begins at 64 bytes, and the page ends with the last") {
  std::int64_t checked = 0;
  for (const StorageFormat format : storage_formats()) {
    for (const Tier tier : {Tier::importance, Tier::retained}) {
      for (const std::int64_t d : {8, 24, 64, 72, 80, 96, 112, 128, 192, 256}) {
        for (std::int64_t g = 8; g <= d; g += 8) {
          if (d % g != 0) continue;
          INFO(name(format) << ", " << name(tier) << ", D = " << d << ", g = " << g);
          const PageLayout layout(format, tier, d, g);
          std::int64_t end = 0;
          for (const Array& array : arrays(layout)) {
            REQUIRE(array.begin == end);
            REQUIRE(array.begin % 64 == 0);
            end = array.begin + 64 * array.entry_bytes;
            ++checked;
          }
          REQUIRE(layout.page_bytes() == end);
        }
      }
    }
  }
  CHECK(checked >= 8 * 2 * 10 * 6);
}

// In percent of the fp16 cache; the paper prints 33, 23, 18, 16 and 38.
TEST_CASE("cache sizes are the paper's: share of important tokens 0.2, groups of 64") {
  const auto bytes = [](StorageFormat format) {
    const PageLayout layout(format, Tier::retained, 128, 64);
    return static_cast<double>(2 * layout.payload_bytes + layout.scale_bytes());
  };
  const auto percent = [&](StorageFormat important, StorageFormat retained) {
    return 100 * (0.2 * bytes(important) + 0.8 * bytes(retained)) / bytes(fp16);
  };
  CHECK(percent(fp16, int2) == Approx(32.5));
  CHECK(percent(int8, int2) == Approx(23.125));
  CHECK(percent(int4, int2) == Approx(18.125));
  CHECK(percent(int2, int2) == Approx(15.625));
  CHECK(percent(fp16, int3) == Approx(37.5));
  CHECK(percent(fp16, int4) == Approx(42.5));
}

}  // namespace
}  // namespace mikv::test
