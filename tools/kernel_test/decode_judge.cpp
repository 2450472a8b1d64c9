// SPDX-License-Identifier: Apache-2.0
#include "tools/kernel_test/decode_judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "tools/kernel_test/decode_diagnosis.h"
#include "tools/kernel_test/decode_model.h"
#include "tools/kernel_test/element_rounding.h"
#include "tools/kernel_test/number_check.h"

namespace mikv::kernel_test {
namespace {

using Numbers = std::vector<double>;

double largest_difference(const Numbers& a, const Numbers& b) {
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::fabs(a[i] - b[i]));
  return worst;
}

double largest(const Numbers& values) {
  double worst = 0;
  for (const double x : values) worst = std::max(worst, std::fabs(x));
  return worst;
}

class DecodeJudge {
 public:
  DecodeJudge(const DecodeResults& results, const Rule& rule)
      : results_(results),
        rule_(rule),
        shape_(results.args.shape),
        // fp32 elements have no lower precision of their own
        low_(results.element == ElementType::f32 ? ElementType::f16 : results.element) {}

  Verdict run() {
    for (std::int64_t sequence = 0; sequence < shape_.sequences; ++sequence) {
      for (std::int64_t kv_head = 0; kv_head < shape_.kv_heads; ++kv_head) {
        check_kv_head(sequence, kv_head);
      }
    }
    Verdict verdict;
    for (const NumberCheck* check : {&logits_, &statistics_, &output_, &scores_}) {
      check->add_to(verdict);
    }
    if (verdict.status == Status::failed) {
      if (verdict.diagnosis.empty()) {
        verdict.diagnosis = diagnose_decode(results_.args, results_.outputs, bounds_);
      }
      return verdict;
    }
    if (!trusted_) {
      verdict.status = Status::mistrusted;
      verdict.message = distrust();
    }
    return verdict;
  }

 private:
  void check_kv_head(std::int64_t sequence, std::int64_t kv_head) {
    const std::int64_t ratio = shape_.query_heads / shape_.kv_heads;
    const auto slots = static_cast<std::size_t>(results_.args.importance.tokens[sequence]);
    Numbers weights(slots);
    double weight_bound = 0;
    for (std::int64_t head = kv_head * ratio; head < (kv_head + 1) * ratio; ++head) {
      const DecodeRow exact =
          model_decode(results_.args, sequence, head, DecodeFault::none, std::nullopt);
      const DecodeRow low = model_decode(results_.args, sequence, head, DecodeFault::none, low_);
      check_head(sequence, head, exact, low);
      for (std::size_t slot = 0; slot < slots; ++slot) weights[slot] += exact.weights[slot];
      weight_bound +=
          2 * largest_difference(exact.weights, low.weights) + spacing(exact.largest_weight, low_);
    }
    check_scores(sequence, kv_head, weights, weight_bound);
  }

  void check_head(std::int64_t sequence, std::int64_t head, const DecodeRow& exact,
                  const DecodeRow& low) {
    const std::string row = fmt::format("sequence {}, query head {}", sequence, head);
    const double logit_bound = allowed(exact.importance_logits, low.importance_logits) +
                               allowed(exact.retained_logits, low.retained_logits);
    check_shown(logits_, row, results_.importance_logits, sequence, head, exact.importance_logits,
                logit_bound);
    check_shown(logits_, row, results_.retained_logits, sequence, head, exact.retained_logits,
                logit_bound);
    check_statistics(row, sequence, head, exact, logit_bound);
    const double bound = allowed(exact.output, low.output);
    bounds_.push_back(bound);
    const std::vector<float> output = results_.outputs.values<float>(sequence, head, 0);
    const bool unwritten = results_.outputs.untouched(sequence, head, 0);
    if (rule_.kind == Rule::Kind::bounded) {
      output_.check_bounded(row, output, exact.output, bound, unwritten);
    } else {
      const auto i = static_cast<std::size_t>(sequence * shape_.query_heads + head);
      output_.check_ulp(row, output, results_.expected_outputs[i], rule_.ulp, unwritten);
    }
    const double tokens = static_cast<double>(exact.importance_logits.size()) +
                          static_cast<double>(exact.retained_logits.size());
    zeros_are_wrong_ = zeros_are_wrong_ || largest(exact.output) > bound;
    not_uniform_ = not_uniform_ || tokens < 3 || exact.largest_weight * tokens > kUniform;
    trusted_ = zeros_are_wrong_ && not_uniform_;
  }

  double allowed(const Numbers& exact, const Numbers& low) const {
    return 2 * largest_difference(exact, low) + spacing(largest(exact), low_);
  }

  void check_shown(NumberCheck& check, const std::string& row, const CaseArray& array,
                   std::int64_t sequence, std::int64_t head, const Numbers& exact,
                   double bound) const {
    if (!array.present() || exact.empty() || array.untouched(sequence, head, 0)) return;
    check.check_bounded(row, array.values<float>(sequence, head, 0), exact, bound, false);
  }

  // m may be any number near the largest logit; m + log2(l) may not.
  void check_statistics(const std::string& row, std::int64_t sequence, std::int64_t head,
                        const DecodeRow& exact, double logit_bound) {
    if (results_.statistics.untouched(sequence, head, 0)) return;
    const std::vector<float> shown = results_.statistics.values<float>(sequence, head, 0);
    const auto log_sum = static_cast<float>(static_cast<double>(shown[0]) +
                                            std::log2(static_cast<double>(shown[1])));
    statistics_.check_bounded(row, {&log_sum, 1}, {&exact.log_sum, 1},
                              logit_bound + spacing(exact.log_sum, low_), false);
  }

  void check_scores(std::int64_t sequence, std::int64_t kv_head, const Numbers& weights,
                    double bound) {
    const auto i = static_cast<std::size_t>(sequence * shape_.kv_heads + kv_head);
    const std::string row = fmt::format("sequence {}, KV head {}", sequence, kv_head);
    for (std::size_t slot = 0; slot < weights.size(); ++slot) {
      const std::string place = fmt::format("{}, slot {}", row, slot);
      const auto score = results_.scores.values<std::uint64_t>(sequence, kv_head,
                                                               static_cast<std::int64_t>(slot))[0];
      if (rule_.kind != Rule::Kind::bounded) {
        scores_.check_equal(place, score, results_.expected_scores[i][slot]);
        continue;
      }
      const auto added =
          static_cast<float>(static_cast<double>(score - results_.first_scores[i][slot]) * 0x1p-30);
      scores_.check_bounded(place, {&added, 1}, {&weights[slot], 1}, bound, false);
    }
  }

  std::string distrust() const {
    return zeros_are_wrong_ ? "all tokens have nearly the same weight: a kernel that ignores its "
                              "queries would pass"
                            : "a kernel that writes zeros would pass";
  }

  // Largest weight times tokens, below which attention is called uniform.
  static constexpr double kUniform = 1.05;

  const DecodeResults& results_;
  const Rule& rule_;
  const mikv_shape& shape_;
  ElementType low_;
  NumberCheck logits_{"logits"};
  NumberCheck statistics_{"statistics"};
  NumberCheck output_{"output"};
  NumberCheck scores_{"scores"};
  std::vector<double> bounds_;  // of the outputs, [sequences * query_heads]
  bool zeros_are_wrong_ = false;
  bool not_uniform_ = false;
  bool trusted_ = false;
};

}  // namespace

Verdict judge_decode(const DecodeResults& results, const Rule& rule) {
  return DecodeJudge(results, rule).run();
}

}  // namespace mikv::kernel_test
