// SPDX-License-Identifier: Apache-2.0
#include "tools/kernel_test/append_case.h"

#include "reference/load_row.h"
#include "tools/kernel_test/balancer_array.h"
#include "tools/kernel_test/recorded_sequence.h"
#include "tools/kernel_test/store_case.h"
#include "trace/safetensors_dtype.h"

namespace mikv::kernel_test {
namespace {

class AppendCase final : public KernelCase {
 public:
  explicit AppendCase(const CaseSpec& spec)
      : spec_(spec),
        slots_("slots", "I64", kv_rows(spec, sizeof(std::int64_t)), spec.layout),
        keys_("keys", std::string(trace::dtype_name(spec.element)),
              kv_rows(spec, element_row(spec)), spec.layout),
        values_("values", std::string(trace::dtype_name(spec.element)),
                kv_rows(spec, element_row(spec)), spec.layout),
        balancer_(make_balancer(spec)),
        importance_("importance", spec, Tier::importance, spec.tokens, access()) {
    for (std::int64_t sequence = 0; sequence < spec.sequences; ++sequence) fill(sequence);
    for (CaseArray* array : arrays()) array->seal();
  }

  std::vector<CaseArray*> all_arrays() override {
    std::vector<CaseArray*> all{&slots_, &keys_, &values_, &balancer_};
    for (CaseArray* array : importance_.arrays()) all.push_back(array);
    return all;
  }

  bool implemented(const mikv_kernels& kernels) const override { return kernels.append != nullptr; }

  mikv_status call(const mikv_kernels& kernels, const Call& call) const override {
    const mikv_append_args args{.struct_size = sizeof(mikv_append_args),
                                .reserved = 0,
                                .shape = shape_view(spec_, call, softmax_scale_),
                                .position = positions_.data() + call.first_sequence,
                                .slots = call.at(slots_),
                                .keys = call.at(keys_),
                                .values = call.at(values_),
                                .balancer = call.at(balancer_),
                                .importance = importance_.view(call)};
    return kernels.append(&args, call.stream);
  }

  CallNumbers numbers() const override {
    CallNumbers numbers{.softmax_scale = softmax_scale_, .formats = {}, .integers = {}};
    numbers.integers["position"] = positions_;
    numbers.add_tier("importance", importance_);
    return numbers;
  }

  bool is_input(const CaseArray& /*array*/) const override { return true; }

  void fill_expected() override {
    for (std::int64_t sequence = 0; sequence < spec_.sequences; ++sequence) {
      const RecordedSequence recorded(spec_, sequence);
      const auto caches = recorded.before_last_step();
      for (std::int64_t head = 0; head < spec_.shape.kv_heads; ++head) {
        reference::HeadCache& cache = *caches[static_cast<std::size_t>(head)];
        cache.append();
        importance_.fill(sequence, head, cache.tier(Tier::importance));
      }
    }
  }

  Verdict judge(const Rule& rule) const override {
    Verdict verdict;
    QuantizedRows rows;
    for (std::int64_t sequence = 0; sequence < spec_.sequences; ++sequence) {
      for (std::int64_t head = 0; head < spec_.shape.kv_heads; ++head) {
        judge_head({sequence, head, slot(sequence, head)}, rows, verdict);
      }
    }
    rows.judge(rule, verdict);
    return verdict;
  }

 private:
  TierAccess access() const {
    const Writable new_row = [this](std::int64_t sequence, std::int64_t head, std::int64_t row) {
      return row == slot(sequence, head);
    };
    return {.tokens = new_row, .positions = new_row, .scores = new_row};
  }

  std::int64_t slot(std::int64_t sequence, std::int64_t head) const {
    return slots_.values<std::int64_t>(sequence, head, 0)[0];
  }

  void fill(std::int64_t sequence) {
    const RecordedSequence recorded(spec_, sequence);
    const LayerView& layer = recorded.layer();
    softmax_scale_ = layer.softmax_scale;
    positions_.push_back(recorded.tokens() - 1);
    const auto caches = recorded.before_last_step();
    for (std::int64_t head = 0; head < spec_.shape.kv_heads; ++head) {
      const auto bytes = static_cast<std::size_t>(layer.k.row_bytes());
      keys_.set(sequence, head, 0, {layer.k.row(head, recorded.tokens() - 1), bytes});
      values_.set(sequence, head, 0, {layer.v.row(head, recorded.tokens() - 1), bytes});
      fill_head(sequence, head, *caches[static_cast<std::size_t>(head)]);
    }
  }

  void fill_head(std::int64_t sequence, std::int64_t head, reference::HeadCache& cache) {
    set_balancer(balancer_, sequence, head, cache.balancer());
    importance_.fill(sequence, head, cache.tier(Tier::importance));
    importance_.set_tokens(sequence, cache.tier(Tier::importance).tokens());
    const std::int64_t slot = cache.append().slot;
    slots_.set(sequence, head, 0, std::as_bytes(std::span(&slot, 1)));
  }

  void judge_head(const RowPlace& place, QuantizedRows& rows, Verdict& verdict) const {
    if (info(importance_.format()).quantized) {
      add_rows(rows, importance_, place,
               {.key = row(keys_, place),
                .value = row(values_, place),
                .balancer = balancer_row(balancer_, place.sequence, place.head)});
    } else {
      check_bytes(importance_.keys, place, keys_.row(place.sequence, place.head, 0), verdict);
      check_bytes(importance_.values, place, values_.row(place.sequence, place.head, 0), verdict);
    }
    const auto position =
        static_cast<StoredPosition>(positions_[static_cast<std::size_t>(place.sequence)]);
    const std::uint64_t score = 0;
    check_bytes(importance_.positions, place, std::as_bytes(std::span(&position, 1)), verdict);
    check_bytes(importance_.scores, place, std::as_bytes(std::span(&score, 1)), verdict);
  }

  reference::Row row(const CaseArray& array, const RowPlace& place) const {
    return reference::load_row(array.row(place.sequence, place.head, 0).data(), spec_.element,
                               spec_.shape.head_dim);
  }

  CaseSpec spec_;
  double softmax_scale_ = 0;
  CaseArray slots_;
  CaseArray keys_;
  CaseArray values_;
  CaseArray balancer_;
  TierArrays importance_;
  std::vector<std::int64_t> positions_;
};

}  // namespace

std::unique_ptr<KernelCase> make_append_case(const CaseSpec& spec) {
  return std::make_unique<AppendCase>(spec);
}

}  // namespace mikv::kernel_test
