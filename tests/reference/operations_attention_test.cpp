// SPDX-License-Identifier: Apache-2.0
// Decode attention on every instruction set against the readable code: all that it returns, and
// the scores that it adds.
#include <array>
#include <cfloat>

#include "tests/support/catch.h"
#include "tests/support/fast_isas.h"
#include "tests/support/filled_tier.h"
#include "tests/support/unaligned_layer.h"

namespace mikv::test {
namespace {

using reference::HeadAttention;
using reference::Isa;
using reference::Row;
using reference::TierAttention;
using reference::TierStorage;

bool same_tier(const TierAttention& a, const TierAttention& b) {
  if (!same_bits(a.logits, b.logits) || a.chunks.size() != b.chunks.size()) return false;
  for (std::size_t i = 0; i < a.chunks.size(); ++i) {
    if (a.chunks[i].has_value() != b.chunks[i].has_value()) return false;
    if (!a.chunks[i]) continue;
    if (!same_bits(a.chunks[i]->m, b.chunks[i]->m) || !same_bits(a.chunks[i]->l, b.chunks[i]->l) ||
        !same_bits(a.chunks[i]->o, b.chunks[i]->o)) {
      return false;
    }
  }
  return true;
}

std::vector<std::uint64_t> scores_with(const reference::Operations& operations,
                                       const HeadAttention& head, TierStorage& importance) {
  std::vector<std::uint64_t> scores;
  for (std::int64_t slot = 0; slot < importance.slots(); ++slot) {
    if (importance.is_taken(slot)) importance.score(slot) = static_cast<std::uint64_t>(slot);
  }
  operations.add_importance(head, importance);
  for (std::int64_t slot = 0; slot < importance.slots(); ++slot) {
    scores.push_back(importance.score(slot));
  }
  return scores;
}

struct Case {
  std::int64_t head_dim = 64;
  std::int64_t group_ratio = 2;
  bool balanced = true;
  double softmax_scale = 0.125;
  UnalignedLayer::Change change = {};
};

void require_same_attention(FilledTier& retained, FilledTier& importance, const Case& one) {
  UnalignedLayer layer({2 * one.group_ratio, 2, one.head_dim}, 1, 1, ElementType::f32, one.change);
  layer.view().softmax_scale = one.softmax_scale;
  Row balancer = Row::LinSpaced(one.balanced ? one.head_dim : 0, 0.3F, 3.0F);
  const reference::AttentionInputs inputs{
      layer.view(),        1, 1, {balancer.data(), balancer.size()}, retained.storage(),
      importance.storage()};
  const std::vector<HeadAttention> expected = readable().attend_heads(inputs);
  for (const Isa isa : fast_isas()) {
    const reference::Operations& operations = reference::operations(isa);
    const std::vector<HeadAttention> got = operations.attend_heads(inputs);
    REQUIRE(got.size() == expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      INFO(text(isa) << ", query head " << i << ", head_dim " << one.head_dim << ", "
                     << name(retained.storage().format()) << " x " << retained.storage().slots()
                     << ", " << name(importance.storage().format()) << " x "
                     << importance.storage().slots());
      REQUIRE(same_tier(got[i].retained, expected[i].retained));
      REQUIRE(same_tier(got[i].importance, expected[i].importance));
      REQUIRE(same_bits(got[i].m, expected[i].m));
      REQUIRE(same_bits(got[i].inverse_l, expected[i].inverse_l));
      REQUIRE(same_bits(got[i].output, expected[i].output));
      REQUIRE(scores_with(operations, got[i], importance.storage()) ==
              scores_with(readable(), expected[i], importance.storage()));
    }
  }
}

TEST_CASE("attention over every format and edge length has the readable code's bits") {
  using enum StorageFormat;
  for (const StorageFormat format : {fp16, bf16, fp32, int8, int4, int3, int2}) {
    for (const std::int64_t tokens :
         {1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 255, 256, 257, 512, 513, 1030}) {
      FilledTier nothing(none, 0);
      FilledTier few(int4, 3, 64, 32, 2);
      FilledTier tier(format, tokens);
      require_same_attention(nothing, tier, {});
      require_same_attention(few, tier, {.balanced = false});
      require_same_attention(tier, few, {});
    }
  }
}

TEST_CASE("attention of any head_dim, group size and number of query heads has the same bits") {
  const auto [head_dim, group_size, ratio] =
      GENERATE(table<std::int64_t, std::int64_t, std::int64_t>({{8, 8, 1},
                                                                {40, 8, 3},
                                                                {40, 40, 16},
                                                                {64, 16, 4},
                                                                {80, 40, 7},
                                                                {96, 48, 8},
                                                                {112, 56, 3},
                                                                {112, 16, 5},
                                                                {128, 64, 16},
                                                                {192, 24, 7},
                                                                {192, 96, 4},
                                                                {256, 128, 6},
                                                                {256, 256, 13}}));
  using enum StorageFormat;
  for (const StorageFormat format : {fp16, bf16, fp32, int8, int4, int3, int2}) {
    FilledTier retained(int2, 70, head_dim, group_size, 3);
    FilledTier importance(format, 261, head_dim, group_size);
    require_same_attention(retained, importance, {.head_dim = head_dim, .group_ratio = ratio});
  }
}

TEST_CASE("queries of zeros, tiny and huge numbers have the same bits") {
  const float size = GENERATE(0.0F, -0.0F, 0x1p-149F, 0x1p-101F, 0x1p-99F, 1e-20F, 1e15F, 1e25F);
  using enum StorageFormat;
  for (const StorageFormat format : {fp16, fp32, int8, int2}) {
    FilledTier retained(int3, 40);
    FilledTier importance(format, 300);
    require_same_attention(
        retained, importance,
        {.change = [size](char, auto, auto, auto, float x) { return size * x; }});
  }
}

TEST_CASE("quantized values with hostile parameters have the same bits") {
  using enum StorageFormat;
  const StorageFormat format = GENERATE(int8, int4, int3, int2);
  RandomNumbers random(6);
  FilledTier retained(int2, 5);
  FilledTier importance(format, 300);
  constexpr std::array<std::uint16_t, 6> kHalves{0, 0x8000, 1, 0x03FF, 0x7BFF, 0xFBFF};
  for (std::int64_t slot = 0; slot < 300; ++slot) {
    for (GroupParams& group : importance.storage().value_groups(slot)) {
      group = {static_cast<std::uint16_t>(kHalves.at(random.below(6)) & 0x7FFFU),
               kHalves.at(random.below(6))};
    }
    for (std::byte& code : importance.storage().value(slot)) code = std::byte{0xFF};
  }
  require_same_attention(retained, importance, {});
  require_same_attention(importance, retained, {.softmax_scale = 40});
}

TEST_CASE("the largest codes and queries sum exactly in the widest group") {
  using enum StorageFormat;
  const StorageFormat format = GENERATE(int8, int4, int3, int2);
  FilledTier retained(int2, 5, 256, 256);
  FilledTier importance(format, 256, 256, 256);
  for (std::int64_t slot = 0; slot < 256; ++slot) {
    for (std::byte& code : importance.storage().key(slot)) code = std::byte{0xFF};
    for (std::byte& code : importance.storage().value(slot)) code = std::byte{0xFF};
    importance.storage().key_groups(slot)[0] = {0x3C00, 0xC000};    // the same key for all: each
    importance.storage().value_groups(slot)[0] = {0x3C00, 0xBC00};  // weight is the largest
  }
  for (const float sign : {1.0F, -1.0F}) {
    require_same_attention(retained, importance,
                           {.head_dim = 256,
                            .balanced = false,
                            .softmax_scale = 1e-3,
                            .change = [sign](char, auto, auto, auto, float) { return sign; }});
  }
}

TEST_CASE("a logit of the least float weighs its tokens and no others") {
  // With a scale of 1 in base 2, channel 0 alone makes the logit.
  using enum StorageFormat;
  FilledTier nothing(none, 0);
  FilledTier importance(fp32, GENERATE(1, 3, 70, 256, 300));
  for (std::int64_t slot = 0; slot < importance.storage().slots(); ++slot) {
    const float least = -FLT_MAX;
    std::memcpy(importance.storage().key(slot).data(), &least, sizeof(least));
  }
  require_same_attention(nothing, importance,
                         {.balanced = false,
                          .softmax_scale = 0.6931471805599453,
                          .change = [](char, auto, auto, std::int64_t channel, float) {
                            return channel == 0 ? 1.0F : 0.0F;
                          }});
}

TEST_CASE("tiers with free slots have the same bits") {
  using enum StorageFormat;
  for (const StorageFormat format : {fp16, int8, int2}) {
    FilledTier retained(int4, 20);
    FilledTier importance(format, 300);
    for (const std::int64_t slot : {0, 63, 64, 200, 299}) importance.storage().free_slot(slot);
    require_same_attention(retained, importance, {});
    require_same_attention(importance, retained, {});
  }
}

}  // namespace
}  // namespace mikv::test
