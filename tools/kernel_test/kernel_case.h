// SPDX-License-Identifier: Apache-2.0
// One call of one operation: its arrays, what they should hold afterwards, and the judgement.
#pragma once

#include <memory>
#include <vector>

#include "core/mikv.h"
#include "tools/kernel_test/call_numbers.h"
#include "tools/kernel_test/case_array.h"
#include "tools/kernel_test/case_spec.h"
#include "tools/kernel_test/tier_arrays.h"
#include "tools/kernel_test/verdict.h"

namespace mikv::kernel_test {

class KernelCase {
 public:
  virtual ~KernelCase() = default;

  /// Everything that the kernel sees; absent arrays left out.
  [[nodiscard]] std::vector<CaseArray*> arrays();

  [[nodiscard]] virtual bool implemented(const mikv_kernels& kernels) const = 0;
  virtual mikv_status call(const mikv_kernels& kernels, const Call& call) const = 0;

  /// What the call says beside its arrays.
  [[nodiscard]] virtual CallNumbers numbers() const = 0;
  /// Whether a kernel finds something in the array, be it an output as well.
  [[nodiscard]] virtual bool is_input(const CaseArray& array) const { return !array.is_output(); }
  /// Whether it is an output that a kernel need not write: what it computes on the way.
  [[nodiscard]] virtual bool is_optional(const CaseArray& /*array*/) const { return false; }

  /// Writes the reference's results, and what it computes on the way, into the outputs.
  virtual void fill_expected() = 0;
  /// Judges what the arrays hold after a call. Damage around them is judged elsewhere.
  [[nodiscard]] virtual Verdict judge(const Rule& rule) const = 0;

 private:
  /// The absent ones, too.
  [[nodiscard]] virtual std::vector<CaseArray*> all_arrays() = 0;
};

/// Builds the inputs and what the reference makes of them. Throws UsageError if the operation has
/// nothing to do for this specification.
[[nodiscard]] std::unique_ptr<KernelCase> make_case(const CaseSpec& spec);

}  // namespace mikv::kernel_test
