// SPDX-License-Identifier: Apache-2.0
#include "core/report.h"

namespace mikv {

CacheFigures& CacheFigures::operator+=(const CacheFigures& other) {
  importance_tokens += other.importance_tokens;
  retained_tokens += other.retained_tokens;
  bytes += other.bytes;
  full_cache_bytes += other.full_cache_bytes;
  stored_elements += other.stored_elements;
  saturated_groups += other.saturated_groups;
  key_error += other.key_error;
  value_error += other.value_error;
  output_error += other.output_error;
  kernel_error += other.kernel_error;
  attention_kl += other.attention_kl;
  return *this;
}

std::optional<double> CacheFigures::bits_per_element() const {
  if (stored_elements == 0) return std::nullopt;
  return 8.0 * static_cast<double>(bytes.paper()) / static_cast<double>(stored_elements);
}

}  // namespace mikv
