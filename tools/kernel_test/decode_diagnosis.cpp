// SPDX-License-Identifier: Apache-2.0
#include "tools/kernel_test/decode_diagnosis.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "tools/kernel_test/decode_model.h"
#include "tools/kernel_test/stored_row.h"

namespace mikv::kernel_test {
namespace {

// Faults show in any row; a few from each sequence are enough.
constexpr std::int64_t kMostHeads = 16;

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
    if (every_row([](float x, double) { return std::bit_cast<std::uint32_t>(x) == 0xffffffffU; })) {
      return "unwritten";
    }
    if (any_value([](float x) { return std::bit_cast<std::uint32_t>(x) == 0xffffffffU; })) {
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
      for (std::size_t c = 0; c < output.size(); ++c) {
        const double distance = std::fabs(static_cast<double>(output[c]) - faulty.output[c]);
        const double limit = bound + 0x1p-9 * std::fabs(faulty.output[c]);
        worst = std::isnan(distance) && std::isnan(faulty.output[c])
                    ? worst
                    : std::max(worst, std::isnan(distance) ? 1e9 : distance / limit);
        change = std::max(change, std::fabs(faulty.output[c] - exact.output[c]) / bound);
      }
      if (worst >= 1) return worst;
    }
    return change > 1 || std::isnan(change) ? worst : std::numeric_limits<double>::infinity();
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
