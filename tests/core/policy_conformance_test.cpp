// SPDX-License-Identifier: Apache-2.0
// What every importance policy must keep, whatever it prefers.
#include <algorithm>
#include <numeric>
#include <vector>

#include "core/importance_policy.h"
#include "core/tier_plan.h"
#include "tests/support/catch.h"
#include "tests/support/random_numbers.h"

namespace mikv::test {
namespace {

using Positions = std::vector<std::int64_t>;
using Scores = std::vector<std::uint64_t>;

constexpr std::int64_t kDecodeTokens = 40;
constexpr std::int64_t kPrompts[] = {1, 2, 3, 4, 5, 6, 31, 32, 33, 34, 97};
constexpr double kShares[] = {0, 0.3, 0.5, 1};

SequenceInfo sequence(std::int64_t prompt) {
  return {.layer = 3,
          .kv_head = 1,
          .prompt_length = prompt,
          .recorded_length = prompt + kDecodeTokens,
          .seed = 7};
}

std::unique_ptr<ImportancePolicy> make_policy(Policy policy, std::int64_t prompt) {
  return info(policy).make(sequence(prompt));
}

// Few distinct values: most tokens tie with another.
Scores tied_scores(RandomNumbers& random, std::int64_t count) {
  const std::uint64_t distinct = 1 + random.below(6);
  Scores scores(static_cast<std::size_t>(count));
  for (std::uint64_t& score : scores) score = random.below(distinct) << 30;
  return scores;
}

std::uint64_t at(const Scores& scores, std::int64_t position) {
  return scores[static_cast<std::size_t>(position)];
}

// Positions ascending, then a stable sort by rank alone: ties fall to the lower position.
template <typename RankOrder>
Positions sorted_by_rank(const ImportancePolicy& policy, const Scores& scores, Positions positions,
                         std::int64_t tokens_seen, RankOrder before) {
  std::sort(positions.begin(), positions.end());
  std::stable_sort(positions.begin(), positions.end(), [&](std::int64_t a, std::int64_t b) {
    return before(policy.rank(at(scores, a), a, tokens_seen),
                  policy.rank(at(scores, b), b, tokens_seen));
  });
  return positions;
}

Positions range(std::int64_t begin, std::int64_t end) {
  Positions positions(static_cast<std::size_t>(end - begin));
  std::iota(positions.begin(), positions.end(), begin);
  return positions;
}

Positions selected_by_sorting(const ImportancePolicy& policy, const Scores& scores,
                              std::int64_t prompt, std::int64_t budget, std::int64_t recent) {
  Positions set = sorted_by_rank(policy, scores, range(0, prompt - recent), prompt, std::greater());
  set.resize(static_cast<std::size_t>(budget - recent));
  for (const std::int64_t newest : range(prompt - recent, prompt)) set.push_back(newest);
  std::sort(set.begin(), set.end());
  return set;
}

// Slots are in no order of positions: a new token takes the slot that a demotion freed.
std::vector<Candidate> shuffled_candidates(RandomNumbers& random, const Scores& scores,
                                           const Positions& positions) {
  std::vector<Candidate> candidates;
  for (const std::int64_t position : positions) {
    candidates.push_back({.slot = 0, .position = position, .score = at(scores, position)});
  }
  for (std::size_t i = candidates.size(); i > 1; --i) {
    std::swap(candidates[i - 1], candidates[random.below(i)]);
  }
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    candidates[i].slot = static_cast<std::int64_t>(i);
  }
  return candidates;
}

template <typename Body>
void for_every_policy(const Body& body) {
  REQUIRE(policies_in_order().size() >= 6);
  for (const Policy policy : policies_in_order()) {
    INFO(name(policy));
    body(policy);
  }
}

TEST_CASE("every policy is found under its own name and has a summary") {
  for_every_policy([](Policy each) {
    CHECK(policy(name(each)) == each);
    CHECK_FALSE(info(each).summary.empty());
  });
  CHECK_FALSE(policy("").has_value());
  CHECK_FALSE(policy("H2O").has_value());
}

TEST_CASE("a policy asks only for recorded rows and keeps recent tokens within the budget") {
  for_every_policy([](Policy each) {
    for (const std::int64_t prompt : kPrompts) {
      const auto policy = make_policy(each, prompt);
      const RowRange rows = policy->scored_rows();
      CHECK(rows.begin >= 0);
      CHECK(rows.begin <= rows.end);
      CHECK(rows.end <= prompt + kDecodeTokens);
      for (std::int64_t budget = 0; budget <= prompt; ++budget) {
        for (const double share : kShares) {
          const std::int64_t recent = policy->recent_tokens(budget, share);
          REQUIRE(recent >= 0);
          REQUIRE(recent <= budget);
        }
      }
    }
  });
}

TEST_CASE("a rank depends on nothing but the sequence and its arguments") {
  for_every_policy([](Policy each) {
    RandomNumbers random(1);
    const auto policy = make_policy(each, 97);
    const auto other = make_policy(each, 97);
    const Scores scores = tied_scores(random, 97);
    Scores ranks;
    for (const std::int64_t j : range(0, 97)) ranks.push_back(policy->rank(at(scores, j), j, 97));
    Scores finished = scores;
    other->finish_scores(finished);
    for (std::int64_t j = 96; j >= 0; --j) {
      REQUIRE(other->rank(at(scores, j), j, 97) == at(ranks, j));
      REQUIRE(policy->rank(at(scores, j), j, 97) == at(ranks, j));
    }
  });
}

TEST_CASE("a policy finishes equal scores equally") {
  for_every_policy([](Policy each) {
    RandomNumbers random(2);
    Scores once = tied_scores(random, 97);
    Scores again = once;
    make_policy(each, 97)->finish_scores(once);
    make_policy(each, 97)->finish_scores(again);
    CHECK(once == again);
  });
}

TEST_CASE("the importance set fills the budget exactly and holds every recent token once") {
  for_every_policy([](Policy each) {
    RandomNumbers random(3);
    for (const std::int64_t prompt : kPrompts) {
      const auto policy = make_policy(each, prompt);
      for (std::int64_t budget = 0; budget <= prompt; ++budget) {
        const Scores scores = tied_scores(random, prompt);
        const double share = kShares[random.below(std::size(kShares))];
        const std::int64_t recent = policy->recent_tokens(budget, share);
        const Positions set = importance_set(*policy, scores, prompt, budget, recent);
        INFO("prompt " << prompt << ", budget " << budget << ", recent " << recent);
        REQUIRE(std::ssize(set) == budget);
        REQUIRE(std::adjacent_find(set.begin(), set.end(), std::greater_equal()) == set.end());
        REQUIRE((set.empty() || (set.front() >= 0 && set.back() < prompt)));
        const Positions newest = range(prompt - recent, prompt);
        REQUIRE(std::equal(newest.rbegin(), newest.rend(), set.rbegin()));
      }
    }
  });
}

TEST_CASE("selection among ties equals a stable sort, for budgets from none to all") {
  for_every_policy([](Policy each) {
    RandomNumbers random(4);
    for (const std::int64_t prompt : kPrompts) {
      const auto policy = make_policy(each, prompt);
      for (std::int64_t budget = 0; budget <= prompt; ++budget) {
        Scores scores = tied_scores(random, prompt);
        policy->finish_scores(scores);
        for (const double share : kShares) {
          const std::int64_t recent = policy->recent_tokens(budget, share);
          INFO("prompt " << prompt << ", budget " << budget << ", recent " << recent);
          REQUIRE(importance_set(*policy, scores, prompt, budget, recent) ==
                  selected_by_sorting(*policy, scores, prompt, budget, recent));
        }
      }
    }
  });
}

TEST_CASE("scores behind the prompt do not change the selection") {
  for_every_policy([](Policy each) {
    RandomNumbers random(5);
    const auto policy = make_policy(each, 33);
    const Scores scores = tied_scores(random, 33);
    Scores longer = scores;
    longer.resize(33 + kDecodeTokens, ~std::uint64_t{0});
    CHECK(importance_set(*policy, longer, 33, 9, 3) == importance_set(*policy, scores, 33, 9, 3));
  });
}

TEST_CASE("demotion among ties equals a stable sort and stops before the recent tokens") {
  for_every_policy([](Policy each) {
    RandomNumbers random(6);
    for (const std::int64_t seen : kPrompts) {
      const auto policy = make_policy(each, seen);
      for (const std::int64_t recent : range(0, std::min<std::int64_t>(seen, 8) + 1)) {
        const Scores scores = tied_scores(random, seen);
        std::vector<Candidate> left = shuffled_candidates(random, scores, range(0, seen));
        INFO("seen " << seen << ", recent " << recent);
        for (const std::int64_t expected :
             sorted_by_rank(*policy, scores, range(0, seen - recent), seen, std::less())) {
          const auto pick = next_demotion(*policy, left, seen, recent);
          REQUIRE(pick.has_value());
          REQUIRE(pick->position == expected);
          REQUIRE(pick->score == at(scores, expected));
          const auto taken = std::find_if(left.begin(), left.end(), [&](const Candidate& c) {
            return c.position == pick->position;
          });
          REQUIRE(pick->slot == taken->slot);
          left.erase(taken);
        }
        REQUIRE(std::ssize(left) == recent);
        REQUIRE_FALSE(next_demotion(*policy, left, seen, recent).has_value());
      }
    }
  });
}

// A prompt and decode steps as a cache goes through them; scores grow, the budget follows S.
void replay_tiers(const ImportancePolicy& policy, std::int64_t prompt, double ratio, double share,
                  RandomNumbers& random) {
  Scores scores = tied_scores(random, prompt + kDecodeTokens);
  const std::int64_t first_budget = importance_budget(ratio, prompt);
  Positions tier = importance_set(policy, scores, prompt, first_budget,
                                  policy.recent_tokens(first_budget, share));
  for (std::int64_t seen = prompt + 1; seen <= prompt + kDecodeTokens; ++seen) {
    tier.push_back(seen - 1);
    for (const std::int64_t held : tier) {
      scores[static_cast<std::size_t>(held)] += random.below(3) << 30;
    }
    const std::int64_t budget = importance_budget(ratio, seen);
    const std::int64_t recent = policy.recent_tokens(budget, share);
    INFO("prompt " << prompt << ", seen " << seen << ", budget " << budget);
    while (std::ssize(tier) > budget) {
      const auto pick =
          next_demotion(policy, shuffled_candidates(random, scores, tier), seen, recent);
      REQUIRE(pick.has_value());
      REQUIRE(pick->position < seen - recent);
      REQUIRE(std::erase(tier, pick->position) == 1);
    }
    REQUIRE(std::ssize(tier) == budget);  // it grows by one at most, and one came
  }
}

TEST_CASE("a replay always finds a token to demote and never a recent one") {
  for_every_policy([](Policy each) {
    RandomNumbers random(8);
    for (const std::int64_t prompt : kPrompts) {
      const auto policy = make_policy(each, prompt);
      for (const double ratio : {0.0, 0.05, 0.2, 0.5, 1.0}) {
        for (const double share : kShares) replay_tiers(*policy, prompt, ratio, share, random);
      }
    }
  });
}

}  // namespace
}  // namespace mikv::test
