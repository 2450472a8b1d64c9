// SPDX-License-Identifier: Apache-2.0
#include "tools/kernel_test/compress_case.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "core/tier_plan.h"
#include "reference/load_row.h"
#include "tools/kernel_test/balancer_array.h"
#include "tools/kernel_test/number_check.h"
#include "tools/kernel_test/prompt_scores.h"
#include "tools/kernel_test/recorded_sequence.h"
#include "tools/kernel_test/store_case.h"
#include "trace/safetensors_dtype.h"

namespace mikv::kernel_test {
namespace {

class CompressCase final : public KernelCase {
 public:
  explicit CompressCase(const CaseSpec& spec)
      : spec_(spec),
        queries_("queries", std::string(trace::dtype_name(spec.element)),
                 query_rows(spec, element_row(spec), spec.tokens), spec.layout),
        keys_("keys", std::string(trace::dtype_name(spec.element)),
              kv_rows(spec, element_row(spec), spec.tokens), spec.layout),
        values_("values", std::string(trace::dtype_name(spec.element)),
                kv_rows(spec, element_row(spec), spec.tokens), spec.layout),
        balancer_(make_balancer(spec, every_row)),
        prompt_scores_("prompt_scores", "U64", kv_rows(spec, sizeof(std::uint64_t), spec.tokens),
                       spec.layout, prompt_rows()),
        importance_("importance", spec, Tier::importance, spec.tokens, rows_of(importance_)),
        retained_("retained", spec, Tier::retained, spec.tokens, rows_of(retained_)) {
    for (std::int64_t sequence = 0; sequence < spec.sequences; ++sequence) fill(sequence);
    for (CaseArray* array : arrays()) array->seal();
  }

  std::vector<CaseArray*> all_arrays() override {
    std::vector<CaseArray*> all{&queries_, &keys_, &values_, &balancer_, &prompt_scores_};
    for (CaseArray* array : importance_.arrays()) all.push_back(array);
    for (CaseArray* array : retained_.arrays()) all.push_back(array);
    return all;
  }

  bool implemented(const mikv_kernels& kernels) const override {
    return kernels.compress != nullptr;
  }

  mikv_status call(const mikv_kernels& kernels, const Call& call) const override {
    const mikv_compress_args args{
        .struct_size = sizeof(mikv_compress_args),
        .reserved = 0,
        .shape = shape_view(spec_, call, recorded_.front()->layer().softmax_scale),
        .prompt = prompt_.data() + call.first_sequence,
        .recent = recent_.data() + call.first_sequence,
        .queries = call.at(queries_),
        .keys = call.at(keys_),
        .values = call.at(values_),
        .balancer = call.at(balancer_),
        .prompt_scores = call.at(prompt_scores_),
        .importance = importance_.view(call),
        .retained = retained_.view(call)};
    return kernels.compress(&args, call.stream);
  }

  CallNumbers numbers() const override {
    CallNumbers numbers{.softmax_scale = recorded_.front()->layer().softmax_scale,
                        .formats = {},
                        .integers = {{"prompt", prompt_}, {"recent", recent_}}};
    numbers.add_tier("importance", importance_);
    numbers.add_tier("retained", retained_);
    return numbers;
  }

  void fill_expected() override {
    for (std::int64_t sequence = 0; sequence < spec_.sequences; ++sequence) {
      const auto caches = recorded(sequence).prefilled();
      for (std::int64_t head = 0; head < spec_.shape.kv_heads; ++head) {
        fill_expected_head(sequence, head, *caches[static_cast<std::size_t>(head)]);
      }
    }
  }

  Verdict judge(const Rule& rule) const override {
    Verdict verdict;
    judge_balancer(rule, verdict);
    judge_scores(rule, verdict);
    if (verdict.status == Status::failed) return verdict;
    for_each_head(
        [&](std::int64_t sequence, std::int64_t head) { judge_set(sequence, head, verdict); });
    if (verdict.status == Status::failed) {
      verdict.diagnosis = set_fault();
      return verdict;
    }
    QuantizedRows rows;
    for_each_head([&](std::int64_t sequence, std::int64_t head) {
      judge_tier(importance_, sequence, head, rows, verdict);
      judge_tier(retained_, sequence, head, rows, verdict);
    });
    rows.judge(rule, verdict);
    return verdict;
  }

 private:
  static TierAccess rows_of(const TierArrays& tier) {
    const Writable taken = [&tier](std::int64_t sequence, std::int64_t, std::int64_t row) {
      return row < tier.tokens(sequence);
    };
    return {.tokens = taken, .positions = taken, .scores = taken};
  }

  Writable prompt_rows() const {
    return [this](std::int64_t sequence, std::int64_t, std::int64_t row) {
      return row < prompt_[static_cast<std::size_t>(sequence)];
    };
  }

  template <typename Job>
  void for_each_head(const Job& job) const {
    for (std::int64_t sequence = 0; sequence < spec_.sequences; ++sequence) {
      for (std::int64_t head = 0; head < spec_.shape.kv_heads; ++head) job(sequence, head);
    }
  }

  const RecordedSequence& recorded(std::int64_t sequence) const {
    return *recorded_[static_cast<std::size_t>(sequence)];
  }

  void fill(std::int64_t sequence) {
    recorded_.push_back(std::make_unique<RecordedSequence>(spec_, sequence));
    const LayerView& layer = recorded(sequence).layer();
    const std::int64_t prompt = layer.prompt_length;
    const auto bytes = static_cast<std::size_t>(layer.k.row_bytes());
    for (std::int64_t token = 0; token < prompt; ++token) {
      for (std::int64_t head = 0; head < spec_.shape.query_heads; ++head) {
        queries_.set(sequence, head, token, {layer.q.row(head, token), bytes});
      }
      for (std::int64_t head = 0; head < spec_.shape.kv_heads; ++head) {
        keys_.set(sequence, head, token, {layer.k.row(head, token), bytes});
        values_.set(sequence, head, token, {layer.v.row(head, token), bytes});
      }
    }
    const std::int64_t budget = importance_budget(spec_.importance_ratio, prompt);
    prompt_.push_back(prompt);
    recent_.push_back(recent_budget(budget, recorded(sequence).config().recent_share));
    importance_.set_tokens(sequence, budget);
    retained_.set_tokens(sequence, retained_.slots() == 0 ? 0 : prompt - budget);
    for (std::int64_t head = 0; head < spec_.shape.kv_heads; ++head) {
      expected_scores_.push_back(prompt_scores(layer, head, ScoreFault::none));
      const reference::Row balancer =
          reference::selected_operations().channel_balancer(layer, head);
      expected_balancer_.emplace_back(balancer.begin(), balancer.end());
    }
  }

  void fill_expected_head(std::int64_t sequence, std::int64_t head,
                          const reference::HeadCache& cache) {
    const std::size_t i = index(sequence, head);
    if (balancer_.present()) balancer_.set_values(sequence, head, 0, expected_balancer_[i]);
    for (std::size_t token = 0; token < expected_scores_[i].size(); ++token) {
      prompt_scores_.set(sequence, head, static_cast<std::int64_t>(token),
                         std::as_bytes(std::span(&expected_scores_[i][token], 1)));
    }
    importance_.fill(sequence, head, cache.tier(Tier::importance));
    retained_.fill(sequence, head, cache.tier(Tier::retained));
  }

  std::size_t index(std::int64_t sequence, std::int64_t head) const {
    return static_cast<std::size_t>(sequence * spec_.shape.kv_heads + head);
  }

  void judge_balancer(const Rule& rule, Verdict& verdict) const {
    if (!balancer_.present()) return;
    NumberCheck check("balancer");
    for_each_head([&](std::int64_t sequence, std::int64_t head) {
      const std::string row = fmt::format("sequence {}, KV head {}", sequence, head);
      const std::vector<float>& expected = expected_balancer_[index(sequence, head)];
      const std::vector<float> got = balancer_.values<float>(sequence, head, 0);
      const bool unwritten = balancer_.untouched(sequence, head, 0);
      // square roots and divisions are rounded well almost anywhere
      const std::int64_t ulp = rule.kind == Rule::Kind::bounded ? kBalancerUlp : 0;
      check.check_ulp(row, got, expected, ulp, unwritten);
    });
    check.add_to(verdict);
  }

  void judge_scores(const Rule& rule, Verdict& verdict) const {
    NumberCheck check("importance_scores");
    for_each_head([&](std::int64_t sequence, std::int64_t head) {
      const std::vector<std::uint64_t>& expected = expected_scores_[index(sequence, head)];
      for (std::size_t j = 0; j < expected.size(); ++j) {
        const std::string row = fmt::format("sequence {}, KV head {}, token {}", sequence, head, j);
        const auto token = static_cast<std::int64_t>(j);
        const std::uint64_t got = prompt_scores_.values<std::uint64_t>(sequence, head, token)[0];
        if (rule.kind != Rule::Kind::bounded) {
          check.check_equal(row, got, expected[j]);
          continue;
        }
        const auto weight = static_cast<float>(static_cast<double>(got) * 0x1p-30);
        const double exact = static_cast<double>(expected[j]) * 0x1p-30;
        check.check_bounded(row, {&weight, 1}, {&exact, 1}, kScoreError * (exact + 0x1p-4),
                            prompt_scores_.untouched(sequence, head, token));
      }
    });
    check.add_to(verdict);
    if (!check.ok() && verdict.stage == "importance_scores") verdict.diagnosis = score_fault();
  }

  std::string score_fault() const {
    for (const ScoreFaultInfo& info : score_faults()) {
      bool explains = true;
      for_each_head([&](std::int64_t sequence, std::int64_t head) {
        const std::vector<std::uint64_t> faulty =
            prompt_scores(recorded(sequence).layer(), head, info.fault);
        for (std::size_t j = 0; j < faulty.size(); ++j) {
          const auto got = static_cast<double>(prompt_scores_.values<std::uint64_t>(
              sequence, head, static_cast<std::int64_t>(j))[0]);
          const auto wanted = static_cast<double>(faulty[j]);
          explains = explains && std::fabs(got - wanted) <= kScoreError * (wanted + 0x1p26);
        }
      });
      if (explains) return std::string(info.id);
    }
    return "";
  }

  // The set follows from the kernel's own scores, so that rounding is not judged twice.
  std::vector<StoredPosition> own_set(std::int64_t sequence, std::int64_t head, bool low_ties_first,
                                      bool recent_first) const {
    const std::int64_t prompt = prompt_[static_cast<std::size_t>(sequence)];
    const std::int64_t recent = recent_first ? recent_[static_cast<std::size_t>(sequence)] : 0;
    const std::int64_t first_recent = prompt - recent;
    std::vector<StoredPosition> order(static_cast<std::size_t>(prompt));
    std::iota(order.begin(), order.end(), 0U);
    std::ranges::stable_sort(order, [&](StoredPosition a, StoredPosition b) {
      const bool recent_a = a >= first_recent;
      const bool recent_b = b >= first_recent;
      if (recent_a != recent_b) return recent_a;
      const std::uint64_t score_a = own_score(sequence, head, a);
      const std::uint64_t score_b = own_score(sequence, head, b);
      if (score_a != score_b) return score_a > score_b;
      return low_ties_first ? a < b : a > b;
    });
    order.resize(static_cast<std::size_t>(importance_.tokens(sequence)));
    std::ranges::sort(order);
    return order;
  }

  std::uint64_t own_score(std::int64_t sequence, std::int64_t head, std::int64_t position) const {
    return prompt_scores_.values<std::uint64_t>(sequence, head, position)[0];
  }

  std::vector<StoredPosition> stored_set(const TierArrays& tier, std::int64_t sequence,
                                         std::int64_t head) const {
    std::vector<StoredPosition> positions;
    positions.reserve(static_cast<std::size_t>(tier.tokens(sequence)));
    for (std::int64_t slot = 0; slot < tier.tokens(sequence); ++slot) {
      positions.push_back(tier.positions.values<StoredPosition>(sequence, head, slot)[0]);
    }
    return positions;
  }

  void judge_set(std::int64_t sequence, std::int64_t head, Verdict& verdict) const {
    const std::vector<StoredPosition> important = own_set(sequence, head, true, true);
    compare_set(importance_, important, sequence, head, verdict);
    if (retained_.slots() == 0) return;
    std::vector<StoredPosition> others;
    for (std::int64_t p = 0; p < prompt_[static_cast<std::size_t>(sequence)]; ++p) {
      const auto position = static_cast<StoredPosition>(p);
      if (!std::ranges::binary_search(important, position)) others.push_back(position);
    }
    compare_set(retained_, others, sequence, head, verdict);
  }

  void compare_set(const TierArrays& tier, const std::vector<StoredPosition>& expected,
                   std::int64_t sequence, std::int64_t head, Verdict& verdict) const {
    const std::vector<StoredPosition> got = stored_set(tier, sequence, head);
    for (std::size_t slot = 0; slot < expected.size(); ++slot) {
      ++verdict.compared;
      if (got[slot] == expected[slot]) continue;
      ++verdict.wrong;
      fail(verdict, "importance_set",
           fmt::format("sequence {}, KV head {}, {}: row {} is token {} instead of {}", sequence,
                       head, tier.positions.name(), slot, got[slot], expected[slot]));
    }
  }

  std::string set_fault() const {
    bool ties_high = true;
    bool recent_ignored = true;
    bool unwritten = false;
    for_each_head([&](std::int64_t sequence, std::int64_t head) {
      ties_high = ties_high &&
                  stored_set(importance_, sequence, head) == own_set(sequence, head, false, true);
      recent_ignored = recent_ignored && stored_set(importance_, sequence, head) ==
                                             own_set(sequence, head, true, false);
      unwritten = unwritten || (importance_.tokens(sequence) > 0 &&
                                importance_.positions.untouched(sequence, head, 0));
    });
    if (unwritten) return "unwritten";
    if (ties_high) return "ties_high";
    return recent_ignored ? "recent_ignored" : "";
  }

  void judge_tier(const TierArrays& tier, std::int64_t sequence, std::int64_t head,
                  QuantizedRows& rows, Verdict& verdict) const {
    for (std::int64_t slot = 0; slot < tier.tokens(sequence); ++slot) {
      const RowPlace place{sequence, head, slot};
      const auto position =
          static_cast<std::int64_t>(tier.positions.values<StoredPosition>(sequence, head, slot)[0]);
      const LayerView& layer = recorded(sequence).layer();
      if (info(tier.format()).quantized) {
        add_rows(rows, tier, place,
                 {.key = reference::load_row(layer.k, head, position),
                  .value = reference::load_row(layer.v, head, position),
                  .balancer = balancer_row(balancer_, sequence, head)});
      } else {
        check_bytes(tier.keys, place, keys_.row(sequence, head, position), verdict);
        check_bytes(tier.values, place, values_.row(sequence, head, position), verdict);
      }
      if (!tier.scores.present()) continue;
      const std::uint64_t score = own_score(sequence, head, position);
      check_bytes(tier.scores, place, std::as_bytes(std::span(&score, 1)), verdict);
    }
  }

  static constexpr std::int64_t kBalancerUlp = 4;
  // Of sums of weights, relative: what queries and keys in low precision cost.
  static constexpr double kScoreError = 1.0 / 64;

  CaseSpec spec_;
  std::vector<std::unique_ptr<RecordedSequence>> recorded_;
  CaseArray queries_;
  CaseArray keys_;
  CaseArray values_;
  CaseArray balancer_;
  CaseArray prompt_scores_;
  TierArrays importance_;
  TierArrays retained_;
  std::vector<std::int64_t> prompt_;
  std::vector<std::int64_t> recent_;
  std::vector<std::vector<std::uint64_t>> expected_scores_;  // [sequences * kv_heads]
  std::vector<std::vector<float>> expected_balancer_;
};

}  // namespace

std::unique_ptr<KernelCase> make_compress_case(const CaseSpec& spec) {
  return std::make_unique<CompressCase>(spec);
}

}  // namespace mikv::kernel_test
