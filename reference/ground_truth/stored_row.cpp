// SPDX-License-Identifier: Apache-2.0
#include "reference/ground_truth/stored_row.h"

#include "reference/ground_truth/decode.h"

namespace mikv::ground_truth {

void decode_row(const StoredRow& row, std::span<const double> balancer, std::span<double> key,
                std::span<double> value) {
  const StorageFormatInfo& format = info(row.format);
  if (!format.quantized) {
    decode_elements(row.key.data(), *format.element, key);
    decode_elements(row.value.data(), *format.element, value);
    return;
  }
  decode_codes(row.key, format.bits, row.key_groups, key);
  decode_codes(row.value, format.bits, row.value_groups, value);
  for (std::size_t c = 0; c < balancer.size(); ++c) key[c] /= balancer[c];
}

}  // namespace mikv::ground_truth
