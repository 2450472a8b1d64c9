// SPDX-License-Identifier: Apache-2.0
#include "tools/kernel_test/dequantize_case.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "reference/packing.h"
#include "reference/quantizer.h"
#include "tools/kernel_test/element_rounding.h"
#include "tools/kernel_test/number_check.h"
#include "tools/kernel_test/recorded_sequence.h"
#include "tools/kernel_test/stored_row.h"

namespace mikv::kernel_test {
namespace {

Tier quantized_tier(const CaseSpec& spec) {
  if (info(spec.retained_format).quantized) return Tier::retained;
  if (info(spec.importance_format).quantized) return Tier::importance;
  throw UsageError("case " + to_string(spec), "has no quantized tier to dequantize",
                   "give a retained format of integers, or hi=int8 or int4");
}

class DequantizeCase final : public KernelCase {
 public:
  explicit DequantizeCase(const CaseSpec& spec)
      : spec_(spec),
        tier_name_(quantized_tier(spec)),
        tier_("tier", spec, tier_name_, spec.tokens, {}),
        keys_("keys", "F32", kv_rows(spec, float_row(spec), tier_.slots()), spec.layout, taken()),
        values_("values", "F32", kv_rows(spec, float_row(spec), tier_.slots()), spec.layout,
                taken()) {
    for (std::int64_t sequence = 0; sequence < spec.sequences; ++sequence) {
      const RecordedSequence recorded(spec_, sequence);
      const auto caches = recorded.before_last_step();
      for (std::int64_t head = 0; head < spec_.shape.kv_heads; ++head) {
        reference::HeadCache& cache = *caches[static_cast<std::size_t>(head)];
        cache.append();  // takes the slot that a demotion freed: taken ones have no gap
        const reference::TierStorage& storage = cache.tier(tier_name_);
        tier_.fill(sequence, head, storage);
        tier_.set_tokens(sequence, storage.tokens());
      }
    }
    for (CaseArray* array : arrays()) array->seal();
  }

  std::vector<CaseArray*> all_arrays() override {
    std::vector<CaseArray*> all = tier_.arrays();
    all.push_back(&keys_);
    all.push_back(&values_);
    return all;
  }

  bool implemented(const mikv_kernels& kernels) const override {
    return kernels.dequantize != nullptr;
  }

  mikv_status call(const mikv_kernels& kernels, const Call& call) const override {
    const mikv_dequantize_args args{.struct_size = sizeof(mikv_dequantize_args),
                                    .reserved = 0,
                                    .shape = shape_view(spec_, call, 1),
                                    .tier = tier_.view(call),
                                    .keys = call.at(keys_),
                                    .values = call.at(values_)};
    return kernels.dequantize(&args, call.stream);
  }

  CallNumbers numbers() const override {
    CallNumbers numbers;
    numbers.add_tier("tier", tier_);
    return numbers;
  }

  void fill_expected() override {
    for (std::int64_t sequence = 0; sequence < spec_.sequences; ++sequence) {
      for (std::int64_t head = 0; head < spec_.shape.kv_heads; ++head) {
        for (std::int64_t slot = 0; slot < tier_.tokens(sequence); ++slot) {
          fill_expected_row(keys_, tier_.keys, tier_.key_groups, {sequence, head, slot});
          fill_expected_row(values_, tier_.values, tier_.value_groups, {sequence, head, slot});
        }
      }
    }
  }

  Verdict judge(const Rule& rule) const override {
    NumberCheck keys("keys");
    NumberCheck values("values");
    for (std::int64_t sequence = 0; sequence < spec_.sequences; ++sequence) {
      for (std::int64_t head = 0; head < spec_.shape.kv_heads; ++head) {
        for (std::int64_t slot = 0; slot < tier_.tokens(sequence); ++slot) {
          judge_row(keys, keys_, tier_.keys, tier_.key_groups, {sequence, head, slot}, rule);
          judge_row(values, values_, tier_.values, tier_.value_groups, {sequence, head, slot},
                    rule);
        }
      }
    }
    Verdict verdict;
    keys.add_to(verdict);
    values.add_to(verdict);
    if (verdict.status == Status::passed && verdict.compared == 0) {
      verdict.status = Status::mistrusted;
      verdict.message = "the tier holds no token";
    }
    return verdict;
  }

 private:
  struct RowIndex {
    std::int64_t sequence, head, slot;
  };

  Writable taken() const {
    return [this](std::int64_t sequence, std::int64_t, std::int64_t row) {
      return row < tier_.tokens(sequence);
    };
  }

  void fill_expected_row(CaseArray& out, const CaseArray& payload, const CaseArray& groups,
                         const RowIndex& at) const {
    std::vector<std::uint8_t> codes(static_cast<std::size_t>(spec_.shape.head_dim));
    reference::unpack(payload.row(at.sequence, at.head, at.slot), info(tier_.format()).bits, codes);
    const reference::Row row =
        reference::dequantize(codes, groups.values<GroupParams>(at.sequence, at.head, at.slot));
    out.set_values(at.sequence, at.head, at.slot, std::vector<float>(row.begin(), row.end()));
  }

  // A number may be rounded to the recorded element type: twice, as a product and as a sum.
  void judge_row(NumberCheck& check, const CaseArray& out, const CaseArray& codes,
                 const CaseArray& groups, const RowIndex& at, const Rule& rule) const {
    const std::vector<double> exact =
        read_row(shape_view(spec_, whole_case(spec_), 1), format_number(tier_.format()),
                 codes.view(), groups.view(), at.sequence, at.head, at.slot, {});
    const std::vector<float> got = out.values<float>(at.sequence, at.head, at.slot);
    const bool unwritten = out.untouched(at.sequence, at.head, at.slot);
    const std::string row =
        fmt::format("sequence {}, KV head {}, row {}", at.sequence, at.head, at.slot);
    if (rule.kind == Rule::Kind::bounded) {
      double largest = 0;
      for (const double x : exact) largest = std::max(largest, std::fabs(x));
      check.check_bounded(row, got, exact, 2 * spacing(largest, ElementType::f16), unwritten);
      return;
    }
    const std::vector<float> expected(exact.begin(), exact.end());  // one rounding: R10's fma
    check.check_ulp(row, got, expected, rule.ulp, unwritten);
  }

  CaseSpec spec_;
  Tier tier_name_;
  TierArrays tier_;
  CaseArray keys_;
  CaseArray values_;
};

}  // namespace

std::unique_ptr<KernelCase> make_dequantize_case(const CaseSpec& spec) {
  return std::make_unique<DequantizeCase>(spec);
}

}  // namespace mikv::kernel_test
