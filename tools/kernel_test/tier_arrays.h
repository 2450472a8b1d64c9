// SPDX-License-Identifier: Apache-2.0
// The arrays of one tier of a case (mikv_tier).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/mikv.h"
#include "core/page_layout.h"
#include "core/tier_plan.h"
#include "reference/tier_storage.h"
#include "tools/kernel_test/case_array.h"
#include "tools/kernel_test/case_spec.h"

namespace mikv::kernel_test {

/// Where an array's bytes are for the kernel: the array's own memory, or a copy on a device.
using Place = std::function<void*(const CaseArray&)>;

/// How a case calls its kernel: with all of its sequences, or with one of them.
struct Call {
  Place place;
  void* stream = nullptr;
  std::int64_t first_sequence = 0;
  std::int64_t sequences = 0;

  /// The array as the kernel gets it; null if it is absent.
  [[nodiscard]] mikv_array at(const CaseArray& array) const {
    if (!array.present()) return {};
    mikv_array view = array.view(place(array));
    view.data = static_cast<std::byte*>(view.data) + first_sequence * view.sequence_stride;
    return view;
  }
};

/// Which rows of a tier a kernel may write.
struct TierAccess {
  Writable tokens = {};  ///< keys, values, group parameters
  Writable positions = {};
  Writable scores = {};
};

class TierArrays {
 public:
  /// slots: rows for the longest sequence, without the spare ones that are added. Absent if the
  /// format stores nothing.
  TierArrays(const std::string& prefix, const CaseSpec& spec, Tier tier, std::int64_t slots,
             const TierAccess& access);

  /// Copies what the reference holds in its taken slots.
  void fill(std::int64_t sequence, std::int64_t head, const reference::TierStorage& storage);
  void set_tokens(std::int64_t sequence, std::int64_t tokens) {
    tokens_[static_cast<std::size_t>(sequence)] = tokens;
  }

  [[nodiscard]] StorageFormat format() const { return format_; }
  /// Rows of each array, spare ones included.
  [[nodiscard]] std::int64_t slots() const { return slots_; }
  [[nodiscard]] std::int64_t tokens(std::int64_t sequence) const {
    return tokens_[static_cast<std::size_t>(sequence)];
  }
  /// Of each sequence.
  [[nodiscard]] const std::vector<std::int64_t>& all_tokens() const { return tokens_; }
  [[nodiscard]] mikv_tier view(const Call& call) const;
  [[nodiscard]] std::vector<CaseArray*> arrays();
  [[nodiscard]] bool has(const CaseArray& array) const;

  CaseArray keys;
  CaseArray values;
  CaseArray key_groups;
  CaseArray value_groups;
  CaseArray positions;
  CaseArray scores;

 private:
  TierArrays(const std::string& prefix, const CaseSpec& spec, StorageFormat format,
             const PageLayout& layout, std::int64_t slots, const TierAccess& access);

  StorageFormat format_;
  std::int64_t slots_;
  std::vector<std::int64_t> tokens_;
};

/// All sequences, in the arrays' own memory.
[[nodiscard]] Call whole_case(const CaseSpec& spec);

/// Sizes of arrays with one row a head, or more.
[[nodiscard]] ArraySize query_rows(const CaseSpec& spec, std::int64_t row_bytes,
                                   std::int64_t rows = 1);
[[nodiscard]] ArraySize kv_rows(const CaseSpec& spec, std::int64_t row_bytes,
                                std::int64_t rows = 1);
/// Bytes of head_dim elements, and of as many fp32.
[[nodiscard]] std::int64_t element_row(const CaseSpec& spec);
[[nodiscard]] std::int64_t float_row(const CaseSpec& spec);

/// Its number in core/mikv.h.
[[nodiscard]] mikv_format format_number(StorageFormat format);
[[nodiscard]] mikv_element element_number(ElementType type);
[[nodiscard]] mikv_shape shape_view(const CaseSpec& spec, const Call& call, double softmax_scale);
[[nodiscard]] StorageFormat format_of(mikv_format number);

}  // namespace mikv::kernel_test
