// SPDX-License-Identifier: Apache-2.0
#include "tools/kernel_test/decode_case.h"

#include <cmath>
#include <optional>

#include "tools/kernel_test/balancer_array.h"
#include "tools/kernel_test/decode_judge.h"
#include "tools/kernel_test/decode_model.h"
#include "tools/kernel_test/recorded_sequence.h"
#include "trace/safetensors_dtype.h"

namespace mikv::kernel_test {
namespace {

class DecodeCase final : public KernelCase {
 public:
  explicit DecodeCase(const CaseSpec& spec)
      : spec_(spec),
        queries_("queries", std::string(trace::dtype_name(spec.element)),
                 query_rows(spec, element_row(spec)), spec.layout),
        balancer_(make_balancer(spec)),
        importance_("importance", spec, Tier::importance, spec.tokens,
                    {.tokens = {}, .positions = {}, .scores = every_row}),
        retained_("retained", spec, Tier::retained, spec.tokens, {}),
        outputs_("outputs", "F32", query_rows(spec, float_row(spec)), spec.layout, every_row),
        importance_logits_("importance_logits", "F32",
                           query_rows(spec, importance_.slots() * kFloat), spec.layout, every_row),
        retained_logits_("retained_logits", "F32", query_rows(spec, retained_.slots() * kFloat),
                         spec.layout, every_row),
        statistics_("statistics", "F32", query_rows(spec, 2 * kFloat), spec.layout, every_row) {
    for (std::int64_t sequence = 0; sequence < spec.sequences; ++sequence) fill(sequence);
    for (CaseArray* array : arrays()) array->seal();
  }

  std::vector<CaseArray*> all_arrays() override {
    std::vector<CaseArray*> all{&queries_, &balancer_};
    for (CaseArray* array : importance_.arrays()) all.push_back(array);
    for (CaseArray* array : retained_.arrays()) all.push_back(array);
    for (CaseArray* array : {&outputs_, &importance_logits_, &retained_logits_, &statistics_}) {
      all.push_back(array);
    }
    return all;
  }

  bool implemented(const mikv_kernels& kernels) const override { return kernels.decode != nullptr; }

  mikv_status call(const mikv_kernels& kernels, const Call& call) const override {
    const mikv_decode_args args = view(call);
    return kernels.decode(&args, call.stream);
  }

  CallNumbers numbers() const override {
    CallNumbers numbers{.softmax_scale = softmax_scale_, .formats = {}, .integers = {}};
    numbers.add_tier("importance", importance_);
    numbers.add_tier("retained", retained_);
    return numbers;
  }

  bool is_input(const CaseArray& array) const override {
    return !array.is_output() || importance_.has(array);
  }

  bool is_optional(const CaseArray& array) const override {
    return &array == &importance_logits_ || &array == &retained_logits_ || &array == &statistics_;
  }

  void fill_expected() override {
    for (std::int64_t sequence = 0; sequence < spec_.sequences; ++sequence) {
      for (std::int64_t head = 0; head < spec_.shape.query_heads; ++head) {
        outputs_.set_values(
            sequence, head, 0,
            expected_outputs_[static_cast<std::size_t>(sequence * spec_.shape.query_heads + head)]);
        fill_expected_stages(sequence, head);
      }
      for (std::int64_t head = 0; head < spec_.shape.kv_heads; ++head) {
        fill_expected_scores(sequence, head);
      }
    }
  }

  Verdict judge(const Rule& rule) const override {
    const mikv_decode_args args = view(whole_case(spec_));
    return judge_decode({.args = args,
                         .element = spec_.element,
                         .outputs = outputs_,
                         .importance_logits = importance_logits_,
                         .retained_logits = retained_logits_,
                         .statistics = statistics_,
                         .scores = importance_.scores,
                         .expected_outputs = expected_outputs_,
                         .expected_scores = expected_scores_,
                         .first_scores = first_scores_},
                        rule);
  }

 private:
  static constexpr std::int64_t kFloat = sizeof(float);

  mikv_decode_args view(const Call& call) const {
    return {.struct_size = sizeof(mikv_decode_args),
            .update_scores = 1,
            .shape = shape_view(spec_, call, softmax_scale_),
            .queries = call.at(queries_),
            .balancer = call.at(balancer_),
            .importance = importance_.view(call),
            .retained = retained_.view(call),
            .outputs = call.at(outputs_),
            .importance_logits = call.at(importance_logits_),
            .retained_logits = call.at(retained_logits_),
            .statistics = call.at(statistics_)};
  }

  void fill(std::int64_t sequence) {
    const RecordedSequence recorded(spec_, sequence);
    const LayerView& layer = recorded.layer();
    softmax_scale_ = layer.softmax_scale;
    for (std::int64_t head = 0; head < spec_.shape.query_heads; ++head) {
      queries_.set(sequence, head, 0,
                   {layer.q.row(head, recorded.tokens() - 1),
                    static_cast<std::size_t>(layer.q.row_bytes())});
    }
    const auto caches = recorded.before_last_step();
    for (std::int64_t head = 0; head < spec_.shape.kv_heads; ++head) {
      fill_head(sequence, head, *caches[static_cast<std::size_t>(head)]);
    }
  }

  void fill_head(std::int64_t sequence, std::int64_t head, reference::HeadCache& cache) {
    cache.append();
    set_balancer(balancer_, sequence, head, cache.balancer());
    const reference::TierStorage& importance = cache.tier(Tier::importance);
    const reference::TierStorage& retained = cache.tier(Tier::retained);
    importance_.fill(sequence, head, importance);
    importance_.set_tokens(sequence, importance.tokens());
    retained_.fill(sequence, head, retained);
    retained_.set_tokens(sequence, retained.tokens());
    first_scores_.push_back(scores_of(importance));
    for (const reference::Row& row : cache.attend()) {
      expected_outputs_.emplace_back(row.begin(), row.end());
    }
    expected_scores_.push_back(scores_of(importance));
  }

  // What the reference's chunks do not hold, from the model in fp64: one row over both tiers.
  void fill_expected_stages(std::int64_t sequence, std::int64_t head) {
    const DecodeRow row =
        model_decode(view(whole_case(spec_)), sequence, head, DecodeFault::none, std::nullopt);
    const auto as_floats = [](const std::vector<double>& values) {
      return std::vector<float>(values.begin(), values.end());
    };
    if (importance_logits_.present()) {
      importance_logits_.set_values(sequence, head, 0, as_floats(row.importance_logits));
    }
    if (retained_logits_.present()) {
      retained_logits_.set_values(sequence, head, 0, as_floats(row.retained_logits));
    }
    const double l = 1 / row.largest_weight;
    statistics_.set_values(sequence, head, 0, as_floats({row.log_sum - std::log2(l), l}));
  }

  void fill_expected_scores(std::int64_t sequence, std::int64_t head) {
    const std::vector<std::uint64_t>& scores =
        expected_scores_[static_cast<std::size_t>(sequence * spec_.shape.kv_heads + head)];
    for (std::int64_t slot = 0; slot < importance_.tokens(sequence); ++slot) {
      const std::uint64_t& score = scores[static_cast<std::size_t>(slot)];
      importance_.scores.set(sequence, head, slot, std::as_bytes(std::span(&score, 1)));
    }
  }

  static std::vector<std::uint64_t> scores_of(const reference::TierStorage& tier) {
    std::vector<std::uint64_t> scores;
    scores.reserve(static_cast<std::size_t>(tier.slots()));
    for (std::int64_t slot = 0; slot < tier.slots(); ++slot) scores.push_back(tier.score(slot));
    return scores;
  }

  CaseSpec spec_;
  double softmax_scale_ = 0;
  CaseArray queries_;
  CaseArray balancer_;
  TierArrays importance_;
  TierArrays retained_;
  CaseArray outputs_;
  CaseArray importance_logits_;
  CaseArray retained_logits_;
  CaseArray statistics_;
  std::vector<std::vector<float>> expected_outputs_;         // [sequences * query_heads]
  std::vector<std::vector<std::uint64_t>> expected_scores_;  // [sequences * kv_heads]
  std::vector<std::vector<std::uint64_t>> first_scores_;     // before the step
};

}  // namespace

std::unique_ptr<KernelCase> make_decode_case(const CaseSpec& spec) {
  return std::make_unique<DecodeCase>(spec);
}

}  // namespace mikv::kernel_test
