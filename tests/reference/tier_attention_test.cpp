// SPDX-License-Identifier: Apache-2.0
#include "reference/tier_attention.h"

#include "core/error.h"
#include "reference/ground_truth/attention.h"
#include "reference/quantized_query.h"
#include "tests/support/catch.h"
#include "tests/support/filled_tier.h"

namespace mikv::test {
namespace {

using reference::Partial;
using reference::Row;
using reference::TierAttention;

constexpr float kScale = 0.18F;  // about log2(e) / sqrt(64)
const reference::Site kSite{0, "query head", 0, 0};

Row random_query(std::uint64_t seed, std::int64_t head_dim = 64) {
  RandomNumbers random(seed);
  Row query(head_dim);
  for (float& x : query) x = static_cast<float>(random.normal());
  return query;
}

TierAttention attend(const FilledTier& tier, const Row& query) {
  return reference::attend(tier.storage(), query, query, kScale, kSite);
}

Partial root(const TierAttention& attention) {
  return reference::merge_chunks(attention.chunks).value();
}

bool same(const Partial& a, const Partial& b) {
  return a.m == b.m && a.l == b.l && (a.o == b.o).all();
}

// Relative error of the tier's output against fp64 attention over what the tier holds.
double error_against_ground_truth(const FilledTier& tier, const Row& query) {
  const reference::TierStorage& storage = tier.storage();
  const StorageFormatInfo& format = info(storage.format());
  ground_truth::RowMatrix k(storage.slots(), storage.head_dim());
  ground_truth::RowMatrix v(storage.slots(), storage.head_dim());
  for (std::int64_t slot = 0; slot < storage.slots(); ++slot) {
    const auto decode = [&](std::span<const std::byte> payload, std::span<const GroupParams> groups,
                            double* row) {
      const std::span<double> out(row, static_cast<std::size_t>(storage.head_dim()));
      if (format.quantized) return ground_truth::decode_codes(payload, format.bits, groups, out);
      ground_truth::decode_elements(payload.data(), *format.element, out);
    };
    decode(storage.key(slot), storage.key_groups(slot), k.row(slot).data());
    decode(storage.value(slot), storage.value_groups(slot), v.row(slot).data());
  }
  const ground_truth::RowMatrix q = query.cast<double>().matrix().transpose();
  const double scale = static_cast<double>(kScale) * std::log(2.0);
  const ground_truth::Attention exact = ground_truth::attend(q, k, v, storage.slots(), scale, {});
  const Partial partial = root(attend(tier, query));
  const Eigen::RowVectorXd output = (partial.o / partial.l).cast<double>().matrix().transpose();
  return (output - exact.output.row(0)).norm() / exact.output.row(0).norm();
}

TEST_CASE(
    "attention is close to fp64 attention over the same tier, for every format and edge length") {
  const StorageFormat format =
      GENERATE(StorageFormat::fp16, StorageFormat::bf16, StorageFormat::fp32, StorageFormat::int8,
               StorageFormat::int4, StorageFormat::int3, StorageFormat::int2);
  for (const std::int64_t tokens :
       {1, 15, 16, 31, 32, 33, 63, 64, 65, 255, 256, 257, 511, 512, 513}) {
    const FilledTier tier(format, tokens);
    const double bound = info(format).quantized ? 5e-4 : 5e-6;
    REQUIRE(error_against_ground_truth(tier, random_query(2)) < bound);
  }
}

TEST_CASE("any head dimension and group size") {
  const auto [head_dim, group_size] = GENERATE(table<int, int>({{8, 8},
                                                                {64, 64},
                                                                {80, 40},
                                                                {96, 48},
                                                                {112, 56},
                                                                {128, 8},
                                                                {192, 96},
                                                                {256, 128},
                                                                {256, 256}}));
  for (const StorageFormat format :
       {StorageFormat::fp16, StorageFormat::int8, StorageFormat::int2}) {
    const FilledTier tier(format, 70, head_dim, group_size);
    REQUIRE(error_against_ground_truth(tier, random_query(2, head_dim)) < 5e-4);
  }
}

TEST_CASE("unquantized storage: the order of tokens is part of the bits") {
  FilledTier tier(StorageFormat::fp16, 40);
  const Partial before = root(attend(tier, random_query(3)));
  tier.swap_slots(4, 37);
  const Partial after = root(attend(tier, random_query(3)));
  CHECK_FALSE(same(before, after));
  CHECK((before.o - after.o).abs().maxCoeff() < 1e-5F);  // and of nothing else
}

TEST_CASE("quantized storage: order inside a chunk does not matter") {
  FilledTier tier(StorageFormat::int2, 300);
  const Partial before = root(attend(tier, random_query(4)));
  tier.swap_slots(0, 255);
  tier.swap_slots(17, 130);
  tier.swap_slots(256, 299);
  CHECK(same(before, root(attend(tier, random_query(4)))));
}

TEST_CASE("quantized storage: two tokens swapped across chunks are noticed") {
  FilledTier tier(StorageFormat::int2, 300);
  const Partial before = root(attend(tier, random_query(4)));
  tier.swap_slots(3, 280);
  CHECK_FALSE(same(before, root(attend(tier, random_query(4)))));
}

TEST_CASE("a flipped code bit, a wrong alpha, a wrong beta are noticed") {
  const StorageFormat format =
      GENERATE(StorageFormat::int8, StorageFormat::int4, StorageFormat::int2);
  FilledTier tier(format, 100);
  const Partial before = root(attend(tier, random_query(5)));
  reference::TierStorage& storage = tier.storage();
  SECTION("key code") {
    storage.key(50)[0] ^= std::byte{1};
  }
  SECTION("value code") {
    storage.value(50)[0] ^= std::byte{1};
  }
  SECTION("key alpha") {
    storage.key_groups(50)[1].alpha ^= 1;
  }
  SECTION("key beta") {
    storage.key_groups(50)[1].beta ^= 1;
  }
  SECTION("value alpha") {
    storage.value_groups(50)[1].alpha ^= 1;
  }
  SECTION("value beta") {
    storage.value_groups(50)[1].beta ^= 1;
  }
  CHECK_FALSE(same(before, root(attend(tier, random_query(5)))));
}

TEST_CASE("free slots are left out wherever they lie") {
  const StorageFormat format = GENERATE(StorageFormat::fp16, StorageFormat::int4);
  FilledTier tier(format, 300);
  for (std::int64_t slot = 0; slot < 300; ++slot) {
    if (slot != 7 && slot != 270) tier.storage().free_slot(slot);
  }
  const TierAttention attention = attend(tier, random_query(6));
  CHECK(attention.chunks.size() == 2);
  CHECK(attention.chunks[0]->l == 1.0F);  // one token each
  CHECK(attention.chunks[1]->l == 1.0F);
  tier.storage().free_slot(7);
  CHECK_FALSE(attend(tier, random_query(6)).chunks[0]);
}

TEST_CASE("a storage of nothing contributes nothing") {
  const FilledTier tier(StorageFormat::none, 0);
  CHECK(attend(tier, random_query(7)).chunks.empty());
}

TEST_CASE("a query of zeros or of tiny numbers weighs all tokens alike") {
  const float size = GENERATE(0.0F, 0x1p-120F);
  const FilledTier tier(StorageFormat::int2, 20);
  const TierAttention attention = attend(tier, Row::Constant(64, size));
  CHECK(attention.chunks[0]->l == 20.0F);
}

TEST_CASE("a tier whose values are all tiny outputs zeros, not NaN") {
  FilledTier tier(StorageFormat::int2, 20);
  for (std::int64_t slot = 0; slot < 20; ++slot) {
    for (GroupParams& group : tier.storage().value_groups(slot)) group = {};
  }
  CHECK((attend(tier, random_query(8)).chunks[0]->o == 0.0F).all());
}

TEST_CASE("a logit that is not finite is refused by name") {
  const StorageFormat format = GENERATE(StorageFormat::fp32, StorageFormat::int2);
  const FilledTier tier(format, 5);
  const reference::Site site{3, "query head", 7, 11};
  try {
    const Row query = Row::Constant(64, 3e38F);
    (void)reference::attend(tier.storage(), query, query, 100.0F, site);
    FAIL("was accepted");
  } catch (const NumericalError& error) {
    CHECK_THAT(error.what(), ContainsSubstring("layer 3, query head 7, token 11"));
    CHECK(error.exit_code() == ExitCode::input);
  }
}

TEST_CASE("the integer query spans -32512 to 32512 and keeps the sign") {
  Row query = random_query(9);
  query[5] = -8;
  const reference::QuantizedQuery integers = reference::quantize_query(query);
  CHECK(integers.values[5] == -32512);
  for (std::size_t c = 0; c < 64; ++c) {
    const float back = integers.scale * static_cast<float>(integers.values[c]);
    REQUIRE(back == Approx(query[static_cast<Eigen::Index>(c)]).margin(8.0 / 32512));
  }
}

}  // namespace
}  // namespace mikv::test
