// SPDX-License-Identifier: Apache-2.0
// Which tokens are important after the prefill, and which is demoted: MiKV's choice, and the
// standard library's algorithms on the same ranks.
#include <algorithm>
#include <vector>

#include "core/error.h"
#include "core/tier_plan.h"
#include "reference/operations.h"
#include "tests/benchmark/measure.h"
#include "tests/benchmark/registration.h"
#include "tests/benchmark/synthetic_layer.h"

namespace mikv::bench {
namespace {

constexpr double kRatio = 0.2;
constexpr double kRecentShare = 0.5;
constexpr std::int64_t kTimes = 16;  // one selection is too short for the clock

struct Ranked {
  std::uint64_t rank;
  std::int64_t position;
};

constexpr auto kSelectedBefore = [](const Ranked& a, const Ranked& b) {
  return a.rank != b.rank ? a.rank > b.rank : a.position < b.position;
};
constexpr auto kDemotedBefore = [](const Candidate& a, const Candidate& b) {
  return a.score != b.score ? a.score < b.score : a.position < b.position;
};
constexpr auto kSort = [](auto first, auto /*nth*/, auto last, auto before) {
  std::sort(first, last, before);
};
constexpr auto kNthElement = [](auto first, auto nth, auto last, auto before) {
  std::nth_element(first, nth, last, before);
};

// A prompt's tokens with the scores that they get, and a tier that holds all of them.
class Tokens {
 public:
  explicit Tokens(const Sizes& sizes)
      : count_(sizes.tokens),
        budget_(importance_budget(kRatio, sizes.tokens)),
        recent_(recent_budget(budget_, kRecentShare)),
        policy_(info(Policy::h2o).make({.prompt_length = sizes.tokens})),
        scores_(static_cast<std::size_t>(sizes.tokens)) {
    const LayerView& layer = synthetic_layer(sizes.multi_head(), sizes);
    reference::operations(reference::available_isas().back())
        .add_prefill_scores(layer, 0, {0, sizes.tokens}, scores_);
    for (std::int64_t i = 0; i < count_; ++i) {
      candidates_.push_back({i, i, scores_[static_cast<std::size_t>(i)]});
    }
  }

  [[nodiscard]] std::vector<std::int64_t> select() const {
    return importance_set(*policy_, scores_, count_, budget_, recent_);
  }

  template <typename Algorithm>
  [[nodiscard]] std::vector<std::int64_t> select_with(Algorithm algorithm) const {
    std::vector<Ranked> others;
    others.reserve(static_cast<std::size_t>(count_ - recent_));
    for (std::int64_t i = 0; i < count_ - recent_; ++i) {
      others.push_back({scores_[static_cast<std::size_t>(i)], i});
    }
    const auto end = others.begin() + (budget_ - recent_);
    algorithm(others.begin(), end, others.end(), kSelectedBefore);
    std::vector<std::int64_t> set;
    set.reserve(static_cast<std::size_t>(budget_));
    for (auto it = others.begin(); it != end; ++it) set.push_back(it->position);
    for (std::int64_t i = count_ - recent_; i < count_; ++i) set.push_back(i);
    std::sort(set.begin(), set.end());
    return set;
  }

  [[nodiscard]] std::int64_t demote() const {
    return next_demotion(*policy_, candidates_, count_, recent_).value().position;
  }

  template <typename Algorithm>
  [[nodiscard]] std::int64_t demote_with(Algorithm algorithm) const {
    std::vector<Candidate> others;
    std::copy_if(candidates_.begin(), candidates_.end(), std::back_inserter(others),
                 [this](const Candidate& c) { return c.position < count_ - recent_; });
    algorithm(others.begin(), others.begin(), others.end(), kDemotedBefore);
    return others.front().position;
  }

 private:
  std::int64_t count_;
  std::int64_t budget_;
  std::int64_t recent_;
  std::unique_ptr<ImportancePolicy> policy_;
  std::vector<std::uint64_t> scores_;
  std::vector<Candidate> candidates_;
};

template <typename Choice, typename Ours>
void choose(benchmark::State& state, const Sizes& sizes, Ours ours, Choice choice) {
  const Tokens tokens(sizes);
  if (choice(tokens) != ours(tokens)) throw InternalError("a selection chooses other tokens");
  measure(state, Caches::warm, [&] {
    for (std::int64_t i = 0; i < kTimes; ++i) benchmark::DoNotOptimize(choice(tokens));
  });
  report(state, {.units = kTimes * sizes.tokens});
}

}  // namespace

void add_selection(const Sizes& sizes) {
  const auto add_one = [&sizes](Name name, auto ours, auto choice) {
    add(name.with("tokens", sizes.tokens).with("ratio", 20).with("policy", "h2o"),
        [=](benchmark::State& state) { choose(state, sizes, ours, choice); });
  };
  const auto select = [](const Tokens& tokens) { return tokens.select(); };
  const auto demote = [](const Tokens& tokens) { return tokens.demote(); };
  add_one(Name("select").with("isa", "any"), select, select);
  add_one(Name("select").with("alternative", "std_sort"), select,
          [](const Tokens& tokens) { return tokens.select_with(kSort); });
  add_one(Name("select").with("alternative", "std_nth_element"), select,
          [](const Tokens& tokens) { return tokens.select_with(kNthElement); });
  add_one(Name("demotion").with("isa", "any"), demote, demote);
  add_one(Name("demotion").with("alternative", "std_sort"), demote,
          [](const Tokens& tokens) { return tokens.demote_with(kSort); });
  add_one(Name("demotion").with("alternative", "std_nth_element"), demote,
          [](const Tokens& tokens) { return tokens.demote_with(kNthElement); });
}

}  // namespace mikv::bench
