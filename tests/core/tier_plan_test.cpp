// SPDX-License-Identifier: Apache-2.0
#include "core/tier_plan.h"

#include <cmath>
#include <vector>

#include "tests/support/catch.h"

namespace mikv::test {
namespace {

using Positions = std::vector<std::int64_t>;
using Scores = std::vector<std::uint64_t>;

// Ranks by the score alone.
std::unique_ptr<ImportancePolicy> by_score() {
  return info(Policy::h2o).make({});
}

TEST_CASE("a budget that is whole is not lost to the rounding of ratio * S") {
  // 0.29 * 100 is 28.999999999999996 in double, and so on.
  CHECK(importance_budget(0.29, 100) == 29);
  CHECK(importance_budget(0.57, 100) == 57);
  CHECK(importance_budget(0.58, 50) == 29);
  CHECK(importance_budget(0.35, 180) == 63);
  CHECK(importance_budget(0.1, 30) == 3);
  CHECK(importance_budget(0.7, 10) == 7);
  CHECK(importance_budget(0.2, 5) == 1);
}

TEST_CASE("every ratio in hundredths gives the floor of the exact product") {
  std::int64_t compared = 0;
  std::int64_t rescued = 0;  // where a floor without 1e-9 is one too low
  for (std::int64_t hundredths = 0; hundredths <= 100; ++hundredths) {
    const double ratio = static_cast<double>(hundredths) / 100;
    for (std::int64_t seen = 0; seen <= 5000; ++seen) {
      const std::int64_t exact = hundredths * seen / 100;
      REQUIRE(importance_budget(ratio, seen) == exact);
      if (static_cast<std::int64_t>(std::floor(ratio * static_cast<double>(seen))) != exact) {
        ++rescued;
      }
      ++compared;
    }
  }
  CHECK(compared == 101 * 5001);
  CHECK(rescued == 222);
}

TEST_CASE("the budget rounds down, but for the last 1e-9 below a whole number") {
  CHECK(importance_budget(0.2, 4) == 0);
  CHECK(importance_budget(0.2, 9) == 1);
  CHECK(importance_budget(0.5, 7) == 3);
  CHECK(importance_budget(1 - 0.9e-9, 1) == 1);
  CHECK(importance_budget(1 - 1.1e-9, 1) == 0);
}

TEST_CASE("ratio 0 keeps nothing and ratio 1 everything, to 2^32 tokens") {
  for (const std::int64_t seen :
       {0LL, 1LL, 3LL, 255LL, (1LL << 24) + 1, (1LL << 31) + 1, (1LL << 32) - 1, 1LL << 32}) {
    CHECK(importance_budget(0, seen) == 0);
    CHECK(importance_budget(1, seen) == seen);
  }
}

TEST_CASE("budgets of sequences beyond 2^31 tokens do not overflow") {
  CHECK(importance_budget(0.2, 1LL << 32) == 858'993'459);
  CHECK(importance_budget(0.1, 4'294'967'290) == 429'496'729);
  CHECK(importance_budget(0.5, (1LL << 32) - 1) == 2'147'483'647);
  CHECK(importance_budget(0.7, 1LL << 32) == 3'006'477'107);
}

TEST_CASE("the recent budget is the plain floor of its share") {
  CHECK(recent_budget(0, 0.5) == 0);
  CHECK(recent_budget(1, 0.5) == 0);
  CHECK(recent_budget(2, 0.5) == 1);
  CHECK(recent_budget(7, 0.5) == 3);
  CHECK(recent_budget(7, 0) == 0);
  CHECK(recent_budget(7, 1) == 7);
  CHECK(recent_budget(100, 0.29) == 28);  // 28.999999999999996: no 1e-9 here
  CHECK(recent_budget(1LL << 32, 0.5) == 1LL << 31);
}

TEST_CASE("selection takes the lower position of equal scores") {
  const Scores scores = {5, 5, 5, 5, 5, 5};
  CHECK(importance_set(*by_score(), scores, 6, 3, 0) == Positions{0, 1, 2});
  CHECK(importance_set(*by_score(), scores, 6, 3, 1) == Positions{0, 1, 5});
  CHECK(importance_set(*by_score(), {{1, 5, 9, 5, 5, 1}}, 6, 3, 0) == Positions{1, 2, 3});
}

TEST_CASE("one unit of score decides a selection") {
  CHECK(importance_set(*by_score(), {{7, 7, 7, 7}}, 4, 1, 0) == Positions{0});
  CHECK(importance_set(*by_score(), {{7, 7, 8, 7}}, 4, 1, 0) == Positions{2});
  CHECK(importance_set(*by_score(), {{6, 7, 7, 7}}, 4, 1, 0) == Positions{1});
}

TEST_CASE("scores differ by one beyond 2^53, where a double would not see it") {
  constexpr std::uint64_t kLarge = (1ULL << 60) + 1;
  CHECK(importance_set(*by_score(), {{kLarge, kLarge + 1, kLarge}}, 3, 1, 0) == Positions{1});
  const std::vector<Candidate> tier = {{0, 0, kLarge + 1}, {1, 1, kLarge}};
  CHECK(next_demotion(*by_score(), tier, 2, 0)->position == 1);
  // the highest bit is no sign
  CHECK(importance_set(*by_score(), {{1, 1ULL << 63}}, 2, 1, 0) == Positions{1});
}

TEST_CASE("recent tokens are important whatever their score and take no other token's place") {
  const Scores scores = {9, 1, 8, 2, 0, 0};
  CHECK(importance_set(*by_score(), scores, 6, 4, 2) == Positions{0, 2, 4, 5});
  CHECK(importance_set(*by_score(), scores, 6, 2, 2) == Positions{4, 5});
  // a recent token with the best score does not count twice
  CHECK(importance_set(*by_score(), {{9, 1, 8, 2, 0, 99}}, 6, 2, 1) == Positions{0, 5});
}

TEST_CASE("an empty budget, a full one and an empty prompt are served") {
  CHECK(importance_set(*by_score(), {{1, 2, 3}}, 3, 0, 0).empty());
  CHECK(importance_set(*by_score(), {{1, 2, 3}}, 3, 3, 0) == Positions{0, 1, 2});
  CHECK(importance_set(*by_score(), {{1, 2, 3}}, 3, 3, 3) == Positions{0, 1, 2});
  CHECK(importance_set(*by_score(), {}, 0, 0, 0).empty());
}

TEST_CASE("demotion takes the lowest score, and the lower position of equal ones") {
  // slots in no order: reused ones hold newer tokens
  const std::vector<Candidate> tier = {{0, 7, 4}, {1, 2, 3}, {2, 5, 3}, {3, 0, 9}};
  const auto pick = next_demotion(*by_score(), tier, 8, 0);
  REQUIRE(pick.has_value());
  CHECK(pick->slot == 1);
  CHECK(pick->position == 2);
  CHECK(pick->score == 3);
  const std::vector<Candidate> reversed = {{0, 5, 3}, {1, 2, 3}};
  CHECK(next_demotion(*by_score(), reversed, 8, 0)->position == 2);
}

TEST_CASE("one unit of score decides a demotion") {
  CHECK(next_demotion(*by_score(), {{{0, 0, 7}, {1, 1, 7}}}, 2, 0)->position == 0);
  CHECK(next_demotion(*by_score(), {{{0, 0, 7}, {1, 1, 6}}}, 2, 0)->position == 1);
}

TEST_CASE("recent means the newest positions seen, not the newest in the tier") {
  const std::vector<Candidate> tier = {{0, 3, 1}, {1, 6, 0}, {2, 9, 0}};
  CHECK(next_demotion(*by_score(), tier, 10, 0)->position == 6);
  CHECK(next_demotion(*by_score(), tier, 10, 3)->position == 6);  // 7, 8, 9 are recent
  CHECK(next_demotion(*by_score(), tier, 10, 4)->position == 3);  // 6 too
  CHECK_FALSE(next_demotion(*by_score(), tier, 10, 7).has_value());
  CHECK_FALSE(next_demotion(*by_score(), {}, 10, 0).has_value());
}

TEST_CASE("positions beyond 2^31 keep their order") {
  constexpr std::int64_t kFar = (1LL << 32) - 2;
  const std::vector<Candidate> tier = {{0, kFar, 5}, {1, 1, 5}, {2, kFar - 1, 4}};
  CHECK(next_demotion(*by_score(), tier, kFar + 1, 0)->position == kFar - 1);
  CHECK(next_demotion(*by_score(), tier, kFar + 1, 2)->position == 1);
}

TEST_CASE("tiers have the names that reports use") {
  CHECK(name(Tier::importance) == "importance");
  CHECK(name(Tier::retained) == "retained");
}

}  // namespace
}  // namespace mikv::test
