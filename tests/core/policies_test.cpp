// SPDX-License-Identifier: Apache-2.0
// What each importance policy prefers (ALGORITHM 9).
#include <algorithm>
#include <set>
#include <vector>

#include "core/importance_policy.h"
#include "core/tier_plan.h"
#include "tests/support/catch.h"
#include "tests/support/random_numbers.h"

namespace mikv::test {
namespace {

using Positions = std::vector<std::int64_t>;
using Scores = std::vector<std::uint64_t>;

std::unique_ptr<ImportancePolicy> make_policy(Policy policy, std::int64_t prompt,
                                              std::int64_t recorded) {
  return info(policy).make({.prompt_length = prompt, .recorded_length = recorded});
}

Scores finished(const ImportancePolicy& policy, Scores scores) {
  policy.finish_scores(scores);
  return scores;
}

bool is(RowRange rows, std::int64_t begin, std::int64_t end) {
  return rows.begin == begin && rows.end == end;
}

TEST_CASE("h2o ranks by the raw sum of all prompt rows and goes on counting") {
  const auto h2o = make_policy(Policy::h2o, 100, 150);
  CHECK(is(h2o->scored_rows(), 0, 100));
  CHECK(h2o->counts_decode_rows());
  CHECK(finished(*h2o, {5, 1, 4, 1}) == Scores{5, 1, 4, 1});
  CHECK(h2o->recent_tokens(20, 0.5) == 10);
  CHECK(h2o->recent_tokens(21, 0.5) == 10);
  // neither age nor length counts
  for (const std::int64_t position : {0, 50, 99}) {
    CHECK(h2o->rank(12'345, position, 100) == 12'345);
    CHECK(h2o->rank(12'345, position, 150) == 12'345);
  }
}

TEST_CASE("h2o_mean divides by the rows that could see the token, the newest by one") {
  const auto mean = make_policy(Policy::h2o_mean, 10, 15);
  CHECK(is(mean->scored_rows(), 0, 10));
  CHECK(mean->counts_decode_rows());
  CHECK(finished(*mean, {5, 1, 4, 1}) == Scores{5, 1, 4, 1});
  CHECK(mean->recent_tokens(20, 0.5) == 10);
  CHECK(mean->rank(1000, 0, 10) == 100);
  CHECK(mean->rank(1000, 5, 10) == 200);
  CHECK(mean->rank(1000, 8, 10) == 500);
  CHECK(mean->rank(1000, 9, 10) == 1000);
  CHECK(mean->rank(1000, 9, 14) == 200);  // after 4 decode steps
}

TEST_CASE("an old token's larger sum wins under h2o and loses under h2o_mean") {
  Scores scores(10, 0);
  scores[0] = 100;  // 10 rows: 10 each
  scores[8] = 30;   // 2 rows: 15 each
  CHECK(importance_set(*make_policy(Policy::h2o, 10, 10), scores, 10, 1, 0) == Positions{0});
  CHECK(importance_set(*make_policy(Policy::h2o_mean, 10, 10), scores, 10, 1, 0) == Positions{8});
}

TEST_CASE("snapkv lets the last 32 prompt rows vote, all of a shorter prompt") {
  CHECK(is(make_policy(Policy::snapkv, 1, 50)->scored_rows(), 0, 1));
  CHECK(is(make_policy(Policy::snapkv, 31, 50)->scored_rows(), 0, 31));
  CHECK(is(make_policy(Policy::snapkv, 32, 50)->scored_rows(), 0, 32));
  CHECK(is(make_policy(Policy::snapkv, 33, 50)->scored_rows(), 1, 33));
  CHECK(is(make_policy(Policy::snapkv, 1000, 1050)->scored_rows(), 968, 1000));
  CHECK_FALSE(make_policy(Policy::snapkv, 1000, 1050)->counts_decode_rows());
}

TEST_CASE("snapkv keeps the 32 newest whatever the share, or as many as the budget holds") {
  const auto snapkv = make_policy(Policy::snapkv, 1000, 1050);
  for (const double share : {0.0, 0.5, 1.0}) {
    CHECK(snapkv->recent_tokens(0, share) == 0);
    CHECK(snapkv->recent_tokens(31, share) == 31);
    CHECK(snapkv->recent_tokens(32, share) == 32);
    CHECK(snapkv->recent_tokens(200, share) == 32);
  }
}

TEST_CASE("snapkv pools a score over itself and two neighbours each side") {
  const auto snapkv = make_policy(Policy::snapkv, 100, 100);
  CHECK(finished(*snapkv, {0, 0, 0, 0, 7, 0, 0, 0, 0}) == Scores{0, 0, 7, 7, 7, 7, 7, 0, 0});
  CHECK(snapkv->rank(7, 3, 100) == 7);
  CHECK(snapkv->rank(7, 3, 200) == 7);
}

TEST_CASE("snapkv's pooling counts positions outside the prompt as zero") {
  const auto snapkv = make_policy(Policy::snapkv, 100, 100);
  CHECK(finished(*snapkv, {7, 0, 0, 0, 0, 0, 9}) == Scores{7, 7, 7, 0, 9, 9, 9});
  CHECK(finished(*snapkv, Scores(7, 10)) == Scores{30, 40, 50, 50, 50, 40, 30});
  CHECK(finished(*snapkv, {1, 20, 300}) == Scores{321, 321, 321});
  CHECK(finished(*snapkv, {1, 20}) == Scores{21, 21});
  CHECK(finished(*snapkv, {5}) == Scores{5});
  CHECK(finished(*snapkv, {}) == Scores{});
}

TEST_CASE("recent_sinks keeps the first 4 tokens and fills the budget with the newest") {
  const auto sinks = make_policy(Policy::recent_sinks, 20, 40);
  CHECK(is(sinks->scored_rows(), 0, 0));
  CHECK_FALSE(sinks->counts_decode_rows());
  const Scores misleading = {0, 0, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 0, 0, 0, 0};
  const auto set = [&](std::int64_t budget) {
    return importance_set(*sinks, misleading, 20, budget, sinks->recent_tokens(budget, 0.5));
  };
  CHECK(set(8) == Positions{0, 1, 2, 3, 16, 17, 18, 19});
  CHECK(set(5) == Positions{0, 1, 2, 3, 19});
  CHECK(set(4) == Positions{0, 1, 2, 3});
  CHECK(set(2) == Positions{0, 1});
}

TEST_CASE("a reserved share of recent tokens never pushes the sinks out") {
  const auto sinks = make_policy(Policy::recent_sinks, 20, 40);
  for (const double share : {0.0, 0.5, 1.0}) {
    CHECK(sinks->recent_tokens(6, share) == 0);
  }
}

TEST_CASE("recent_sinks demotes the oldest token behind the sinks at every step") {
  const auto sinks = make_policy(Policy::recent_sinks, 8, 40);
  std::vector<Candidate> tier;
  for (std::int64_t j = 0; j < 8; ++j) tier.push_back({.slot = j, .position = j});
  for (std::int64_t seen = 9; seen <= 40; ++seen) {
    tier.push_back({.slot = 8, .position = seen - 1, .score = 0});
    const auto pick = next_demotion(*sinks, tier, seen, sinks->recent_tokens(8, 0.5));
    REQUIRE(pick.has_value());
    REQUIRE(pick->position == seen - 5);  // 4 sinks and the 4 newest stay
    std::erase_if(tier, [&](const Candidate& c) { return c.position == pick->position; });
  }
}

TEST_CASE("oracle scores every recorded row and learns nothing more while decoding") {
  const auto oracle = make_policy(Policy::oracle, 100, 150);
  CHECK(is(oracle->scored_rows(), 0, 150));
  CHECK_FALSE(oracle->counts_decode_rows());
  CHECK(finished(*oracle, {5, 1, 4, 1}) == Scores{5, 1, 4, 1});
  CHECK(oracle->recent_tokens(20, 0.5) == 10);
  CHECK(oracle->rank(12'345, 0, 100) == 12'345);
  CHECK(oracle->rank(12'345, 99, 150) == 12'345);
}

Positions random_set(const SequenceInfo& sequence, std::int64_t budget, std::uint64_t score = 0) {
  const auto random = info(Policy::random).make(sequence);
  const Scores scores(static_cast<std::size_t>(sequence.prompt_length), score);
  return importance_set(*random, scores, sequence.prompt_length, budget, 0);
}

TEST_CASE("random looks at no score") {
  const auto random = make_policy(Policy::random, 64, 80);
  CHECK(is(random->scored_rows(), 0, 0));
  CHECK_FALSE(random->counts_decode_rows());
  CHECK(random->recent_tokens(20, 0.5) == 10);
  for (const std::int64_t position : {0, 1, 63}) {
    CHECK(random->rank(0, position, 64) == random->rank(~std::uint64_t{0}, position, 64));
    CHECK(random->rank(0, position, 64) == random->rank(0, position, 80));
  }
}

TEST_CASE(
    "random's order changes with seed, layer and head, and no two of them stand for another") {
  std::set<Positions> sets;
  std::size_t drawn = 0;
  for (std::int64_t layer = 0; layer < 6; ++layer) {
    for (std::int64_t head = 0; head < 6; ++head) {
      for (std::uint64_t seed = 0; seed < 6; ++seed) {
        const SequenceInfo sequence{
            .layer = layer, .kv_head = head, .prompt_length = 64, .seed = seed};
        sets.insert(random_set(sequence, 16));
        ++drawn;
        CHECK(random_set(sequence, 16, 99) == random_set(sequence, 16));
      }
    }
  }
  CHECK(sets.size() == drawn);
}

// 4000 draws of 16 out of 64: each position is expected 1000 times, standard deviation 27.4.
TEST_CASE("random prefers no position") {
  std::vector<std::int64_t> count(64, 0);
  for (std::int64_t layer = 0; layer < 40; ++layer) {
    for (std::int64_t head = 0; head < 100; ++head) {
      const SequenceInfo sequence{.layer = layer, .kv_head = head, .prompt_length = 64, .seed = 1};
      for (const std::int64_t j : random_set(sequence, 16)) ++count[static_cast<std::size_t>(j)];
    }
  }
  const auto [least, most] = std::minmax_element(count.begin(), count.end());
  CHECK(*least > 1000 - 5 * 28);
  CHECK(*most < 1000 + 5 * 28);
}

// Were one order a stretch of another, or two neighbours tied, ranks would repeat.
TEST_CASE("random never gives the same rank twice, in one sequence or in two") {
  std::set<std::uint64_t> ranks;
  std::size_t drawn = 0;
  for (std::int64_t layer = 0; layer < 6; ++layer) {
    for (std::int64_t head = 0; head < 6; ++head) {
      for (std::uint64_t seed = 0; seed < 6; ++seed) {
        const auto random =
            info(Policy::random).make({.layer = layer, .kv_head = head, .seed = seed});
        for (std::int64_t j = 0; j < 64; ++j) ranks.insert(random->rank(0, j, 64));
        drawn += 64;
      }
    }
  }
  CHECK(ranks.size() == drawn);
}

// Independent draws of 16 out of 64 share 4 on average; 2000 pairs: standard deviation 0.034.
TEST_CASE("random's sets of neighbouring layers share as many tokens as chance does") {
  std::int64_t shared = 0;
  for (std::int64_t layer = 0; layer < 2000; ++layer) {
    const Positions a = random_set({.layer = layer, .prompt_length = 64}, 16);
    const Positions b = random_set({.layer = layer + 1, .prompt_length = 64}, 16);
    shared += std::count_if(a.begin(), a.end(), [&](std::int64_t j) {
      return std::binary_search(b.begin(), b.end(), j);
    });
  }
  CHECK(static_cast<double>(shared) / 2000 == Approx(4).margin(0.2));
}

}  // namespace
}  // namespace mikv::test
