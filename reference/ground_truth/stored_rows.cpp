// SPDX-License-Identifier: Apache-2.0
#include "reference/ground_truth/stored_rows.h"

#include <algorithm>

namespace mikv::ground_truth {

StoredRows::StoredRows(std::int64_t tokens, std::int64_t head_dim)
    : keys_(tokens, head_dim),
      values_(tokens, head_dim),
      held_(static_cast<std::size_t>(tokens)),
      variants_(held_.size()) {}

StoredRows::Row StoredRows::store(std::int64_t position, RowVariant* variant) {
  StepRange& range = held_[static_cast<std::size_t>(position)];
  double* key = keys_.row(position);
  double* value = values_.row(position);
  const StepRange before{range.begin, std::min(range.end, step_)};
  if (before.begin < before.end) {
    RowVariant* of = this->variant(position);
    replaced_.push_back({.position = position,
                         .held = before,
                         .key = {key, of == nullptr ? key + keys_.columns() : key},
                         .value = {value, value + values_.columns()},
                         .variant = of});
  }
  variants_[static_cast<std::size_t>(position)] = variant;
  range = {step_, kOpen};
  return {key, value};
}

void StoredRows::drop(std::int64_t position) {
  StepRange& range = held_[static_cast<std::size_t>(position)];
  range.end = std::min(range.end, step_);
}

void StoredRows::restart() {
  for (StepRange& range : held_) range = {0, range.end == kOpen ? kOpen : 0};
  replaced_.clear();
  step_ = 0;
}

}  // namespace mikv::ground_truth
