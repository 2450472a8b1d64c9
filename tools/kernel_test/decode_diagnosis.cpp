// SPDX-License-Identifier: Apache-2.0
#include "tools/kernel_test/decode_diagnosis.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <vector>

#include "tools/kernel_test/decode_model.h"
#include "tools/kernel_test/stored_row.h"

namespace mikv::kernel_test {
namespace {

// Faults show in any row; a few from each sequence are enough.
constexpr std::int64_t kMostHeads = 16;
// The bits of a float that nobody wrote.
constexpr std::uint32_t kUnwritten = 0xffffffffU;

class Diagnosis {
 public:
  Diagnosis(const mikv_decode_args& args, const CaseArray& outputs, std::span<const double> bounds)
      : args_(args), outputs_(outputs), bounds_(bounds) {
    const std::int64_t heads = args.shape.query_heads;
    const std::int64_t step = std::max<std::int64_t>(heads / kMostHeads, 1);
    for (std::int64_t sequence = 0; sequence < args.shape.sequences; ++sequence) {
      for (std::int64_t head = 0; head < heads; head += step) rows_.push_back({sequence, head});
    }
  }

  std::string run() const {
    if (every_row([](float x, double) { return std::bit_cast<std::uint32_t>(x) == kUnwritten; })) {
      return "unwritten";
    }
    if (any_value([](float x) { return std::bit_cast<std::uint32_t>(x) == kUnwritten; })) {
      return "unwritten";
    }
    if (every_row([](float x, double) { return x == 0; })) return "zeros";
    if (every_row([](float x, double query) { return static_cast<double>(x) == query; })) {
      return "copied_queries";
    }
    return best_fault();
  }

 private:
  struct RowIndex {
    std::int64_t sequence;
    std::int64_t head;
  };

  template <typename Predicate>
  bool every_row(const Predicate& holds) const {
    return std::ranges::all_of(rows_, [&](const RowIndex& row) {
      const std::vector<float> output = values(row);
      const std::vector<double> query =
          read_elements(args_.shape, args_.queries, row.sequence, row.head, 0);
      for (std::size_t c = 0; c < output.size(); ++c) {
        if (!holds(output[c], query[c])) return false;
      }
      return true;
    });
  }

  template <typename Predicate>
  bool any_value(const Predicate& holds) const {
    return std::ranges::any_of(
        rows_, [&](const RowIndex& row) { return std::ranges::any_of(values(row), holds); });
  }

  std::vector<float> values(const RowIndex& row) const {
    return outputs_.values<float>(row.sequence, row.head, 0);
  }

  std::string best_fault() const {
    std::string best;
    double best_distance = 1;
    for (const DecodeFaultInfo& info : decode_faults()) {
      const double distance = distance_to(info.fault);
      if (distance >= best_distance) continue;
      best_distance = distance;
      best = info.id;
    }
    return best;
  }

  // Where a tier's logits are NaN; empty if the kernel does not show them.
  static std::vector<bool> shown_nans(const mikv_array& logits, const RowIndex& row,
                                      std::size_t slots) {
    std::vector<bool> nans;
    if (logits.data == nullptr) return nans;
    const std::byte* address = row_address(logits, row.sequence, row.head, 0);
    bool shown = false;
    for (std::size_t slot = 0; slot < slots; ++slot) {
      std::uint32_t bits = 0;
      std::memcpy(&bits, address + slot * sizeof(bits), sizeof(bits));
      shown = shown || bits != kUnwritten;
      nans.push_back(std::isnan(std::bit_cast<float>(bits)));
    }
    return shown ? nans : std::vector<bool>();
  }

  // NaN outputs are alike: that they are this fault's can be seen only in the logits before them.
  bool has_logit_nans_of(const DecodeRow& faulty, const RowIndex& row) const {
    const auto agree = [&](const mikv_array& shown, const std::vector<double>& logits) {
      const auto is_nan = [](double logit) { return std::isnan(logit); };
      return std::ranges::equal(logits, shown_nans(shown, row, logits.size()), std::equal_to(),
                                is_nan);
    };
    return agree(args_.importance_logits, faulty.importance_logits) &&
           agree(args_.retained_logits, faulty.retained_logits);
  }

  // The largest distance from the faulty outputs, in units of what is allowed; infinite if the
  // fault changes nothing here.
  double distance_to(DecodeFault fault) const {
    double worst = 0;
    double change = 0;
    for (const RowIndex& row : rows_) {
      const double bound =
          bounds_[static_cast<std::size_t>(row.sequence * args_.shape.query_heads + row.head)];
      const DecodeRow exact =
          model_decode(args_, row.sequence, row.head, DecodeFault::none, std::nullopt);
      const DecodeRow faulty = model_decode(args_, row.sequence, row.head, fault, std::nullopt);
      const std::vector<float> output = values(row);
      const bool is_nan =
          std::ranges::any_of(faulty.output, [](double x) { return std::isnan(x); });
      if (is_nan && !has_logit_nans_of(faulty, row)) return std::numeric_limits<double>::infinity();
      if (is_nan) change = std::numeric_limits<double>::infinity();
      for (std::size_t c = 0; c < output.size(); ++c) {
        const double distance = std::fabs(static_cast<double>(output[c]) - faulty.output[c]);
        const double limit = bound + 0x1p-9 * std::fabs(faulty.output[c]);
        worst = std::isnan(distance) && std::isnan(faulty.output[c])
                    ? worst
                    : std::max(worst, std::isnan(distance) ? 1e9 : distance / limit);
        const double changed = std::fabs(faulty.output[c] - exact.output[c]) / bound;
        change = std::max(change, changed);  // not if it is NaN
      }
      if (worst >= 1) return worst;
    }
    return change > 1 ? worst : std::numeric_limits<double>::infinity();
  }

  const mikv_decode_args& args_;
  const CaseArray& outputs_;
  std::span<const double> bounds_;
  std::vector<RowIndex> rows_;
};

}  // namespace

std::string diagnose_decode(const mikv_decode_args& args, const CaseArray& outputs,
                            std::span<const double> bounds) {
  return Diagnosis(args, outputs, bounds).run();
}

}  // namespace mikv::kernel_test
