// SPDX-License-Identifier: Apache-2.0
#include "tools/kernel_test/demote_case.h"

#include <fmt/format.h>

#include <algorithm>

#include "reference/load_row.h"
#include "reference/packing.h"
#include "reference/quantizer.h"
#include "tools/kernel_test/balancer_array.h"
#include "tools/kernel_test/recorded_sequence.h"
#include "tools/kernel_test/store_case.h"

namespace mikv::kernel_test {
namespace {

class DemoteCase final : public KernelCase {
 public:
  explicit DemoteCase(const CaseSpec& spec)
      : spec_(spec),
        balancer_(make_balancer(spec)),
        importance_("importance", spec, Tier::importance, spec.tokens,
                    {.tokens = {}, .positions = every_row, .scores = {}}),
        retained_("retained", spec, Tier::retained, spec.tokens,
                  {.tokens = new_row(), .positions = new_row(), .scores = {}}),
        demoted_slots_("demoted_slots", "I64", kv_rows(spec, sizeof(std::int64_t)), spec.layout,
                       every_row) {
    for (std::int64_t sequence = 0; sequence < spec.sequences; ++sequence) fill(sequence);
    for (CaseArray* array : arrays()) array->seal();
  }

  std::vector<CaseArray*> all_arrays() override {
    std::vector<CaseArray*> all{&balancer_, &demoted_slots_};
    for (CaseArray* array : importance_.arrays()) all.push_back(array);
    for (CaseArray* array : retained_.arrays()) all.push_back(array);
    return all;
  }

  bool implemented(const mikv_kernels& kernels) const override { return kernels.demote != nullptr; }

  mikv_status call(const mikv_kernels& kernels, const Call& call) const override {
    const mikv_demote_args args{.struct_size = sizeof(mikv_demote_args),
                                .reserved = 0,
                                .shape = shape_view(spec_, call, softmax_scale_),
                                .first_recent = first_recent_.data() + call.first_sequence,
                                .balancer = call.at(balancer_),
                                .importance = importance_.view(call),
                                .retained = retained_.view(call),
                                .demoted_slots = call.at(demoted_slots_)};
    return kernels.demote(&args, call.stream);
  }

  CallNumbers numbers() const override {
    CallNumbers numbers{.softmax_scale = softmax_scale_,
                        .formats = {},
                        .integers = {{"first_recent", first_recent_}}};
    numbers.add_tier("importance", importance_);
    numbers.add_tier("retained", retained_);
    return numbers;
  }

  bool is_input(const CaseArray& array) const override { return &array != &demoted_slots_; }

  void fill_expected() override {
    for (std::int64_t sequence = 0; sequence < spec_.sequences; ++sequence) {
      for (std::int64_t head = 0; head < spec_.shape.kv_heads; ++head) {
        fill_expected_head(sequence, head);
      }
    }
  }

  Verdict judge(const Rule& rule) const override {
    Verdict verdict;
    for (std::int64_t sequence = 0; sequence < spec_.sequences; ++sequence) {
      for (std::int64_t head = 0; head < spec_.shape.kv_heads; ++head) {
        judge_choice(sequence, head, verdict);
      }
    }
    if (verdict.status == Status::failed) {
      verdict.diagnosis = choice_fault();
      return verdict;
    }
    QuantizedRows rows;
    for (std::int64_t sequence = 0; sequence < spec_.sequences; ++sequence) {
      for (std::int64_t head = 0; head < spec_.shape.kv_heads; ++head) {
        judge_stored(sequence, head, rows, verdict);
      }
    }
    rows.judge(rule, verdict);
    return verdict;
  }

 private:
  Writable new_row() const {
    return [this](std::int64_t sequence, std::int64_t, std::int64_t row) {
      return row == retained_.tokens(sequence);
    };
  }

  void fill(std::int64_t sequence) {
    const RecordedSequence recorded(spec_, sequence);
    softmax_scale_ = recorded.layer().softmax_scale;
    const auto caches = recorded.before_last_step();
    for (std::int64_t head = 0; head < spec_.shape.kv_heads; ++head) {
      fill_head(sequence, head, *caches[static_cast<std::size_t>(head)]);
    }
    // half of the tier is recent, the newest token never leaves
    const std::int64_t recent = std::max<std::int64_t>(importance_.tokens(sequence) / 2, 1);
    first_recent_.push_back(importance_.tokens(sequence) == 1 ? recorded.tokens()
                                                              : recorded.tokens() - recent);
  }

  void fill_head(std::int64_t sequence, std::int64_t head, reference::HeadCache& cache) {
    cache.append();
    cache.attend();
    set_balancer(balancer_, sequence, head, cache.balancer());
    importance_.fill(sequence, head, cache.tier(Tier::importance));
    if (spec_.pattern == Pattern::ties) make_scores_equal(sequence, head);
    importance_.set_tokens(sequence, cache.tier(Tier::importance).tokens());
    retained_.fill(sequence, head, cache.tier(Tier::retained));
    retained_.set_tokens(sequence, cache.tier(Tier::retained).tokens());
  }

  void make_scores_equal(std::int64_t sequence, std::int64_t head) {
    const std::uint64_t score = 1;
    for (std::int64_t slot = 0; slot < importance_.slots(); ++slot) {
      importance_.scores.set(sequence, head, slot, std::as_bytes(std::span(&score, 1)));
    }
  }

  void fill_expected_head(std::int64_t sequence, std::int64_t head) {
    const std::int64_t from = expected_slot(sequence, head);
    const StoredPosition position =
        importance_.positions.sealed_values<StoredPosition>(sequence, head, from)[0];
    const StoredPosition free = ~StoredPosition{0};
    demoted_slots_.set(sequence, head, 0, std::as_bytes(std::span(&from, 1)));
    importance_.positions.set(sequence, head, from, std::as_bytes(std::span(&free, 1)));
    if (retained_.slots() == 0) return;
    const RowPlace place{sequence, head, retained_.tokens(sequence)};
    retained_.positions.set(sequence, head, place.slot, std::as_bytes(std::span(&position, 1)));
    store_rows(retained_, place, demoted_token({sequence, head, from}));
  }

  struct Candidate {
    std::uint64_t score;
    StoredPosition position;
    std::int64_t slot;
    auto operator<=>(const Candidate&) const = default;
  };

  // As the kernel found them. protect_recent: without the newest tokens.
  std::vector<Candidate> candidates(std::int64_t sequence, std::int64_t head,
                                    bool protect_recent) const {
    std::vector<Candidate> all;
    for (std::int64_t slot = 0; slot < importance_.tokens(sequence); ++slot) {
      const Candidate candidate{
          importance_.scores.values<std::uint64_t>(sequence, head, slot)[0],
          importance_.positions.sealed_values<StoredPosition>(sequence, head, slot)[0], slot};
      const std::int64_t first_recent = first_recent_[static_cast<std::size_t>(sequence)];
      if (!protect_recent || candidate.position < first_recent) all.push_back(candidate);
    }
    return all;
  }

  std::int64_t expected_slot(std::int64_t sequence, std::int64_t head) const {
    return std::ranges::min(candidates(sequence, head, true)).slot;
  }

  std::int64_t chosen_slot(std::int64_t sequence, std::int64_t head) const {
    return demoted_slots_.values<std::int64_t>(sequence, head, 0)[0];
  }

  void judge_choice(std::int64_t sequence, std::int64_t head, Verdict& verdict) const {
    const std::int64_t expected = expected_slot(sequence, head);
    ++verdict.compared;
    if (chosen_slot(sequence, head) != expected) {
      ++verdict.wrong;
      fail(verdict, "importance_set",
           demoted_slots_.untouched(sequence, head, 0)
               ? fmt::format("sequence {}, KV head {}: demoted_slots was not written", sequence,
                             head)
               : fmt::format("sequence {}, KV head {}: row {} was demoted instead of {}", sequence,
                             head, chosen_slot(sequence, head), expected));
      return;
    }
    for (std::int64_t slot = 0; slot < importance_.slots(); ++slot) {
      const StoredPosition now =
          importance_.positions.values<StoredPosition>(sequence, head, slot)[0];
      const StoredPosition before =
          importance_.positions.sealed_values<StoredPosition>(sequence, head, slot)[0];
      const StoredPosition wanted = slot == expected ? ~StoredPosition{0} : before;
      if (now == wanted) continue;
      ++verdict.wrong;
      fail(verdict, "importance.positions",
           fmt::format("sequence {}, KV head {}: row {} is {:#x} instead of {:#x}", sequence, head,
                       slot, now, wanted));
    }
  }

  std::string choice_fault() const {
    if (all_chosen([&](auto sequence, auto head) {
          return std::ranges::max(candidates(sequence, head, true)).slot;
        })) {
      return "demote_original";
    }
    if (all_chosen([&](auto sequence, auto head) {
          return std::ranges::min(candidates(sequence, head, false)).slot;
        })) {
      return "recent_ignored";
    }
    return "";
  }

  template <typename Choice>
  bool all_chosen(const Choice& choice) const {
    for (std::int64_t sequence = 0; sequence < spec_.sequences; ++sequence) {
      for (std::int64_t head = 0; head < spec_.shape.kv_heads; ++head) {
        if (chosen_slot(sequence, head) != choice(sequence, head)) return false;
      }
    }
    return true;
  }

  void judge_stored(std::int64_t sequence, std::int64_t head, QuantizedRows& rows,
                    Verdict& verdict) const {
    if (retained_.slots() == 0) return;
    const std::int64_t from = expected_slot(sequence, head);
    const RowPlace place{sequence, head, retained_.tokens(sequence)};
    const StoredPosition position =
        importance_.positions.sealed_values<StoredPosition>(sequence, head, from)[0];
    check_bytes(retained_.positions, place, std::as_bytes(std::span(&position, 1)), verdict);
    add_rows(rows, retained_, place, demoted_token({sequence, head, from}));
  }

  // A quantized key is demoted in its balanced form, as it is (R9a).
  StoredToken demoted_token(const RowPlace& from) const {
    StoredToken token{.key = stored_row(importance_.keys, importance_.key_groups, from),
                      .value = stored_row(importance_.values, importance_.value_groups, from),
                      .balancer = {}};
    if (!info(importance_.format()).quantized) {
      token.balancer = balancer_row(balancer_, from.sequence, from.head);
    }
    return token;
  }

  reference::Row stored_row(const CaseArray& payload, const CaseArray& groups,
                            const RowPlace& place) const {
    const std::span<const std::byte> bytes = payload.row(place.sequence, place.head, place.slot);
    const StorageFormatInfo& format = info(importance_.format());
    if (!format.quantized) {
      return reference::load_row(bytes.data(), *format.element, spec_.shape.head_dim);
    }
    std::vector<std::uint8_t> codes(static_cast<std::size_t>(spec_.shape.head_dim));
    reference::unpack(bytes, format.bits, codes);
    return reference::dequantize(
        codes, groups.values<GroupParams>(place.sequence, place.head, place.slot));
  }

  CaseSpec spec_;
  double softmax_scale_ = 0;
  CaseArray balancer_;
  TierArrays importance_;
  TierArrays retained_;
  CaseArray demoted_slots_;
  std::vector<std::int64_t> first_recent_;
};

}  // namespace

std::unique_ptr<KernelCase> make_demote_case(const CaseSpec& spec) {
  return std::make_unique<DemoteCase>(spec);
}

}  // namespace mikv::kernel_test
