// SPDX-License-Identifier: Apache-2.0
#include "core/stage_hasher.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/random_numbers.h"

namespace mikv::test {
namespace {

using Bytes = std::vector<std::byte>;

constexpr std::uint64_t kEmptyHash = 0x2d06800538d394c2;  // XXH3-64 of nothing

Bytes random_bytes(std::size_t count) {
  RandomNumbers random(11);
  Bytes bytes(count);
  for (std::byte& b : bytes) b = static_cast<std::byte>(random.below(256));
  return bytes;
}

std::uint64_t hash(std::span<const std::byte> bytes, Stage stage = Stage::codes) {
  StageHasher hasher;
  hasher.observe(stage, bytes);
  return hasher.hashes().at(static_cast<std::size_t>(stage));
}

TEST_CASE("stages come in the documented order under the documented names") {
  const std::vector<std::string_view> names = {
      "balancer",          "alpha",          "beta",     "codes",
      "importance_scores", "importance_set", "partials", "output"};
  std::vector<std::string_view> found;
  for (const Stage stage : stages()) found.push_back(name(stage));
  CHECK(found == names);
  for (std::size_t i = 0; i < kStages; ++i) CHECK(stages()[i] == static_cast<Stage>(i));
}

TEST_CASE("the hash is XXH3-64 as other programs compute it") {
  CHECK(hash({}) == kEmptyHash);
  Bytes bytes(1000);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i % 251);
  CHECK(hash(bytes) == 0x33ef703fb2b20ed1);  // xxhsum -H3
}

TEST_CASE("a stage that nobody observed has the hash of an empty stream") {
  for (const std::uint64_t stage_hash : StageHasher().hashes()) CHECK(stage_hash == kEmptyHash);
  CHECK(hash(std::span<const std::byte>{}) == kEmptyHash);
}

TEST_CASE("cutting a stream differently does not change its hash") {
  RandomNumbers random(12);
  for (const std::size_t size : {1U, 16U, 239U, 240U, 241U, 256U, 257U, 1024U, 5000U}) {
    const Bytes bytes = random_bytes(size);
    const std::uint64_t whole = hash(bytes);
    for (int i = 0; i < 20; ++i) {
      StageHasher hasher;
      for (std::span<const std::byte> left = bytes; !left.empty();) {
        // sometimes nothing at all
        const std::size_t cut = std::min<std::size_t>(random.below(2 + size / 3), left.size());
        hasher.observe(Stage::codes, left.first(cut));
        left = left.subspan(cut);
      }
      INFO("size " << size);
      REQUIRE(hasher.hashes().at(static_cast<std::size_t>(Stage::codes)) == whole);
    }
  }
}

TEST_CASE("any single flipped bit changes the hash") {
  Bytes bytes = random_bytes(300);
  const std::uint64_t whole = hash(bytes);
  std::vector<std::uint64_t> seen = {whole};
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    const auto mask = static_cast<std::byte>(1U << (bit % 8));
    bytes[bit / 8] ^= mask;
    seen.push_back(hash(bytes));
    bytes[bit / 8] ^= mask;
  }
  REQUIRE(hash(bytes) == whole);
  std::sort(seen.begin(), seen.end());
  CHECK(std::adjacent_find(seen.begin(), seen.end()) == seen.end());
}

TEST_CASE("swapped order, a missing zero and a value moved to the next stage change the hash") {
  const Bytes a = random_bytes(8);
  const Bytes b(8, std::byte{0});
  StageHasher ab;
  ab.observe(Stage::alpha, a);
  ab.observe(Stage::alpha, b);
  StageHasher ba;
  ba.observe(Stage::alpha, b);
  ba.observe(Stage::alpha, a);
  StageHasher short_one;
  short_one.observe(Stage::alpha, a);
  StageHasher moved;
  moved.observe(Stage::alpha, a);
  moved.observe(Stage::beta, b);
  CHECK(ab.hashes() != ba.hashes());
  CHECK(ab.hashes() != short_one.hashes());
  CHECK(ab.hashes() != moved.hashes());
}

TEST_CASE("a stage's hash does not depend on what other stages see in between") {
  const Bytes bytes = random_bytes(64);
  const Bytes noise = random_bytes(100);
  for (const Stage observed : stages()) {
    INFO(name(observed));
    StageHasher hasher;
    for (const std::byte& b : bytes) {
      hasher.observe(observed, std::span(&b, 1));
      for (const Stage other : stages()) {
        if (other != observed) hasher.observe(other, noise);
      }
    }
    CHECK(hasher.hashes().at(static_cast<std::size_t>(observed)) == hash(bytes, observed));
  }
}

TEST_CASE("observing one stage leaves the others' hashes alone") {
  for (const Stage observed : stages()) {
    StageHasher hasher;
    hasher.observe(observed, random_bytes(10));
    const StageHashes hashes = hasher.hashes();
    for (const Stage stage : stages()) {
      INFO(name(observed) << ", " << name(stage));
      CHECK((hashes.at(static_cast<std::size_t>(stage)) == kEmptyHash) == (stage != observed));
    }
  }
}

TEST_CASE("reading the hashes does not disturb a running stream") {
  const Bytes bytes = random_bytes(500);
  StageHasher hasher;
  hasher.observe(Stage::codes, std::span(bytes).first(123));
  const StageHashes early = hasher.hashes();
  CHECK(hasher.hashes() == early);
  hasher.observe(Stage::codes, std::span(bytes).subspan(123));
  CHECK(hasher.hashes().at(static_cast<std::size_t>(Stage::codes)) == hash(bytes));
}

StageHashes numbered(std::uint64_t first) {
  StageHashes hashes{};
  for (std::size_t i = 0; i < kStages; ++i) hashes.at(i) = first + i;
  return hashes;
}

TEST_CASE("combining depends on the order of the parts and on each of them") {
  const StageHashes parts[] = {numbered(100), numbered(200)};
  const StageHashes swapped[] = {numbered(200), numbered(100)};
  const StageHashes longer[] = {numbered(100), numbered(200), StageHashes{}};
  const StageHashes forward = combine(parts);
  for (std::size_t i = 0; i < kStages; ++i) {
    CHECK(forward.at(i) != combine(swapped).at(i));
    CHECK(forward.at(i) != combine(longer).at(i));
    CHECK(forward.at(i) != combine(std::span(parts).first(1)).at(i));
  }
}

TEST_CASE("a combined hash is XXH3-64 over the parts' hashes, lowest byte first") {
  const StageHashes parts[] = {numbered(0x0123456789abcdef), numbered(~std::uint64_t{0} - 8)};
  for (std::size_t i = 0; i < kStages; ++i) {
    Bytes stream;
    for (const StageHashes& part : parts) {
      for (int shift = 0; shift < 64; shift += 8) {
        stream.push_back(static_cast<std::byte>((part.at(i) >> shift) & 255U));
      }
    }
    CHECK(combine(parts).at(i) == hash(stream));
  }
}

TEST_CASE("a difference in one stage of one part changes that stage alone") {
  StageHashes parts[] = {numbered(100), numbered(200), numbered(300)};
  const StageHashes before = combine(parts);
  parts[1].at(3) ^= 1U;
  const StageHashes after = combine(parts);
  for (std::size_t i = 0; i < kStages; ++i) CHECK((before.at(i) == after.at(i)) == (i != 3));
}

TEST_CASE("combining no parts gives the hash of an empty stream") {
  for (const std::uint64_t stage_hash : combine({})) CHECK(stage_hash == kEmptyHash);
}

}  // namespace
}  // namespace mikv::test
