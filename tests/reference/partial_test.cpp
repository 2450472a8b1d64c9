// SPDX-License-Identifier: Apache-2.0
#include "reference/partial.h"

#include "tests/support/catch.h"
#include "tests/support/random_numbers.h"

namespace mikv::test {
namespace {

using reference::Partial;
using reference::Row;
using Chunks = std::vector<std::optional<Partial>>;

Partial random_partial(RandomNumbers& random) {
  Partial partial;
  partial.m = static_cast<float>(random.normal());
  partial.l = 1 + static_cast<float>(random.uniform());
  partial.o = Row(4);
  for (float& x : partial.o) x = static_cast<float>(random.normal());
  return partial;
}

Chunks random_chunks(std::size_t count, std::uint64_t seed) {
  RandomNumbers random(seed);
  Chunks chunks(count);
  for (auto& chunk : chunks) chunk = random_partial(random);
  return chunks;
}

bool same(const Partial& a, const Partial& b) {
  return a.m == b.m && a.l == b.l && (a.o == b.o).all();
}

// The tree by its definition: a node covers an aligned run of a power of two of chunks.
std::optional<Partial> node(const Chunks& chunks, std::size_t first, std::size_t size) {
  if (first >= chunks.size()) return std::nullopt;
  if (size == 1) return chunks[first];
  return reference::merge(node(chunks, first, size / 2), node(chunks, first + size / 2, size / 2));
}

TEST_CASE("chunks merge in a tree of aligned subtrees, whatever their number") {
  for (std::size_t count = 1; count <= 33; ++count) {
    const Chunks chunks = random_chunks(count, count);
    const auto merged = reference::merge_chunks(chunks);
    REQUIRE(merged);
    REQUIRE(same(*merged, *node(chunks, 0, 64)));
  }
}

TEST_CASE("a run of chunks merged apart gives the same bits") {
  const Chunks chunks = random_chunks(11, 1);
  for (const std::size_t run : {1U, 2U, 4U, 8U}) {
    Chunks roots;
    for (std::size_t first = 0; first < chunks.size(); first += run) {
      const auto last = std::min(first + run, chunks.size());
      roots.push_back(
          reference::merge_chunks(Chunks(chunks.begin() + static_cast<std::ptrdiff_t>(first),
                                         chunks.begin() + static_cast<std::ptrdiff_t>(last))));
    }
    CHECK(same(*reference::merge_chunks(roots), *reference::merge_chunks(chunks)));
  }
}

TEST_CASE("a chain in place of the tree would be noticed") {
  const Chunks chunks = random_chunks(5, 2);
  Partial chain = *chunks[0];
  for (std::size_t i = 1; i < chunks.size(); ++i) chain = reference::merge(chain, *chunks[i]);
  CHECK_FALSE(same(chain, *reference::merge_chunks(chunks)));
}

TEST_CASE("absent chunks are skipped, not merged as zeros") {
  Chunks chunks = random_chunks(3, 3);
  const Partial last = *chunks[2];
  chunks[0] = chunks[1] = std::nullopt;
  CHECK(same(*reference::merge_chunks(chunks), last));
  CHECK_FALSE(reference::merge_chunks(Chunks(4)));
  CHECK_FALSE(reference::merge_chunks({}));
}

TEST_CASE("merging weighs both sides by 2^(m - M)") {
  const Partial lower{.m = 3, .l = 1, .o = Row::Constant(1, 10)};
  const Partial upper{.m = 1, .l = 2, .o = Row::Constant(1, 20)};
  const Partial merged = reference::merge(lower, upper);
  CHECK(merged.m == 3);
  CHECK(merged.l == 1.5F);
  CHECK(merged.o[0] == 15.0F);
}

TEST_CASE("weights of a chunk add up in a tree inside blocks of 32") {
  std::array<float, kChunkSlots> p{};
  p[0] = 1;
  p[16] = 0x1p-24F;  // pairs with p[0]: rounds away
  p[1] = 0x1p-24F;   // pairs with p[17]
  p[17] = 0x1p-24F;
  CHECK(reference::sum_weights(p) == 1 + 0x1p-23F);
  p[17] = 0;
  CHECK(reference::sum_weights(p) == 1.0F);
  p[32] = 0x1p-23F;  // another block
  CHECK(reference::sum_weights(p) == 1 + 0x1p-23F);
}

}  // namespace
}  // namespace mikv::test
