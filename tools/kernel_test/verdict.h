// SPDX-License-Identifier: Apache-2.0
// What became of a case.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mikv::kernel_test {

enum class Status : std::uint8_t {
  passed,
  failed,
  mistrusted,       ///< the case cannot tell right from wrong; never counts as passed
  not_implemented,  ///< the plug-in lacks the operation, or this shape or format
  error,            ///< the kernel crashed, hung, or reported a failure
};

[[nodiscard]] constexpr std::string_view name(Status status) {
  switch (status) {
    case Status::passed:
      return "passed";
    case Status::failed:
      return "failed";
    case Status::mistrusted:
      return "mistrusted";
    case Status::not_implemented:
      return "not_implemented";
    case Status::error:
      return "error";
  }
  return "";
}

/// All of them, as reports count them.
[[nodiscard]] constexpr std::array<Status, 5> statuses() {
  return {Status::passed, Status::failed, Status::mistrusted, Status::error,
          Status::not_implemented};
}

/// How results are judged.
struct Rule {
  enum class Kind : std::uint8_t {
    bounded,  ///< within twice the error of a plain low-precision implementation, and one quantum
    bitwise,  ///< equal to the reference
    ulp,      ///< fp32 results within some units in the last place; all else equal
  };
  Kind kind = Kind::bounded;
  std::int64_t ulp = 0;
};

/// Throws UsageError. "bounded", "bitwise" or "ulp<=N".
[[nodiscard]] Rule parse_rule(std::string_view text);
[[nodiscard]] std::string to_string(const Rule& rule);

struct Verdict {
  Status status = Status::passed;
  std::string message;          ///< what is wrong and where; empty if passed
  std::string stage;            ///< the first that is wrong: logits, statistics, output, codes, ...
  std::string diagnosis;        ///< id of the hypothesis that explains it; empty if none does
  std::optional<double> error;  ///< largest absolute error of what was judged by a bound
  std::optional<double> bound;  ///< that was allowed there
  std::int64_t compared = 0;    ///< values
  std::int64_t wrong = 0;
};

}  // namespace mikv::kernel_test
