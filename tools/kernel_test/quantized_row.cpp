// SPDX-License-Identifier: Apache-2.0
#include "tools/kernel_test/quantized_row.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "reference/packing.h"
#include "reference/quantizer.h"
#include "tools/kernel_test/quantize_fault.h"

namespace mikv::kernel_test {
namespace {

// How near a tie the neighbouring code is as good, in codes.
constexpr double kTieDistance = 1.0 / 128;

// Neighbouring halves have neighbouring numbers.
int half_number(std::uint16_t half) {
  const int magnitude = half & 0x7fff;
  return (half & 0x8000) != 0 ? -magnitude : magnitude;
}

bool is_finite(std::uint16_t half) {
  return (half & 0x7c00) != 0x7c00;
}

bool same(const std::vector<GroupParams>& a, const std::vector<GroupParams>& b) {
  return std::memcmp(a.data(), b.data(), a.size() * sizeof(GroupParams)) == 0;
}

// One row against the quantizer.
class RowJudge {
 public:
  RowJudge(const QuantizedRow& row, bool exact)
      : row_(row),
        exact_(exact),
        x_(row.plain),
        expected_codes_(static_cast<std::size_t>(row.plain.size())),
        codes_(expected_codes_.size()),
        expected_(row.groups.size()) {
    if (row.is_key && row.balancer.size() > 0) x_ *= row.balancer;
    reference::quantize(x_, row.bits, expected_codes_, expected_);
    reference::unpack(row.codes, row.bits, codes_);
  }

  void run() {
    for (std::size_t g = 0; g < row_.groups.size(); ++g) {
      check_half("alpha", g, row_.groups[g].alpha, expected_[g].alpha);
      check_half("beta", g, row_.groups[g].beta, expected_[g].beta);
    }
    for (std::size_t c = 0; c < codes_.size(); ++c) check_code(c);
  }

  [[nodiscard]] std::int64_t compared() const {
    return static_cast<std::int64_t>(2 * row_.groups.size() + codes_.size());
  }
  [[nodiscard]] std::int64_t wrong() const { return wrong_; }
  [[nodiscard]] const std::string& stage() const { return stage_; }
  [[nodiscard]] const std::string& message() const { return message_; }

 private:
  void check_half(const char* stage, std::size_t group, std::uint16_t got, std::uint16_t expected) {
    const int distance = std::abs(half_number(got) - half_number(expected));
    if (distance == 0 || (!exact_ && distance == 1 && is_finite(got))) return;
    note(stage, fmt::format("group {}: {:.6g} instead of {:.6g}", group, reference::from_half(got),
                            reference::from_half(expected)));
  }

  void check_code(std::size_t c) {
    const int got = codes_[c];
    if (exact_) {
      if (got != expected_codes_[c]) note_code(c, expected_codes_[c], "");
      return;
    }
    const GroupParams& group = row_.groups[c / (codes_.size() / row_.groups.size())];
    const auto alpha = static_cast<double>(reference::from_half(group.alpha));
    const auto beta = static_cast<double>(reference::from_half(group.beta));
    if (!(alpha > 0) || !std::isfinite(alpha)) return;  // any code stands for beta
    const double v = (static_cast<double>(x_[static_cast<Eigen::Index>(c)]) - beta) / alpha;
    const double largest = (1 << row_.bits) - 1;
    const auto nearest = static_cast<int>(std::clamp(std::nearbyint(v), 0.0, largest));
    if (got == nearest) return;
    const double tie = std::min(got, nearest) + 0.5;
    if (std::abs(got - nearest) == 1 && std::fabs(v - tie) <= kTieDistance) return;
    note_code(c, nearest, fmt::format(" for {:.4f}", v));
  }

  void note_code(std::size_t c, int expected, const std::string& of) {
    note("codes", fmt::format("channel {}: {} instead of {}{}", c, int{codes_[c]}, expected, of));
  }

  void note(const char* stage, const std::string& what) {
    if (wrong_++ > 0) return;
    stage_ = stage;
    message_ = row_.untouched ? row_.where + ": was not written" : row_.where + ", " + what;
  }

  const QuantizedRow& row_;
  bool exact_;
  reference::Row x_;
  std::vector<std::uint8_t> expected_codes_;
  std::vector<std::uint8_t> codes_;
  std::vector<GroupParams> expected_;
  std::int64_t wrong_ = 0;
  std::string stage_;
  std::string message_;
};

// All rows are what the fault makes of them.
bool explains(QuantizeFault fault, const std::vector<QuantizedRow>& rows) {
  return std::ranges::all_of(rows, [fault](const QuantizedRow& row) {
    const QuantizedBytes faulty = quantize_faulty(row, fault);
    return faulty.codes == row.codes && same(faulty.groups, row.groups);
  });
}

std::string diagnose(const std::vector<QuantizedRow>& rows) {
  if (std::ranges::any_of(rows, &QuantizedRow::untouched)) return "unwritten";
  const auto is_zero = [](const QuantizedRow& row) {
    return std::ranges::all_of(row.codes, [](std::byte b) { return b == std::byte{0}; }) &&
           std::ranges::all_of(row.groups,
                               [](GroupParams g) { return g.alpha == 0 && g.beta == 0; });
  };
  if (std::ranges::all_of(rows, is_zero)) return "zeros";
  for (const QuantizeFaultInfo& info : quantize_faults()) {
    if (explains(info.fault, rows)) return std::string(info.id);
  }
  return "";
}

}  // namespace

void QuantizedRows::judge(const Rule& rule, Verdict& verdict) const {
  const bool exact = rule.kind != Rule::Kind::bounded;
  std::string message;
  std::string stage;
  std::int64_t wrong = 0;
  std::int64_t compared = 0;
  for (const QuantizedRow& row : rows_) {
    RowJudge judge(row, exact);
    judge.run();
    if (wrong == 0 && judge.wrong() > 0) {
      message = judge.message();
      stage = judge.stage();
    }
    wrong += judge.wrong();
    compared += judge.compared();
  }
  verdict.compared += compared;
  verdict.wrong += wrong;
  if (wrong == 0 || verdict.status == Status::failed) return;
  verdict.status = Status::failed;
  verdict.stage = stage;
  verdict.message = fmt::format("{}; {} of {} values are wrong", message, wrong, compared);
  verdict.diagnosis = diagnose(rows_);
}

}  // namespace mikv::kernel_test
