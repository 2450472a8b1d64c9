// SPDX-License-Identifier: Apache-2.0
// The table of one set of lanes, for the source that is compiled for its instruction set.
#pragma once

#include "reference/vector/code_rows.h"
#include "reference/vector/elements.h"
#include "reference/vector/panel_logits.h"
#include "reference/vector/quantized_keys.h"
#include "reference/vector/quantized_values.h"
#include "reference/vector/row_quantizer.h"
#include "reference/vector/unquantized.h"

namespace mikv::reference::vector {

template <typename S>
constexpr Kernels kernel_table() {
  return {.lanes = S::kLanes,
          .widen = Elements<S>::widen,
          .raise_to_magnitudes = Elements<S>::raise_to_magnitudes,
          .quantize = RowQuantizer<S>::run,
          .fill_panel = Elements<S>::fill_panel,
          .row_logits = Elements<S>::row_logits,
          .panel_logits = PanelLogits<S>::run,
          .all_finite = Unquantized<S>::all_finite,
          .row_sum = Unquantized<S>::row_sum,
          .chunk_weights = Unquantized<S>::chunk_weights,
          .weigh_rows = Unquantized<S>::weigh_rows,
          .add_importance = Unquantized<S>::add_importance,
          .merge = Unquantized<S>::merge,
          .quantize_query = QuantizedKeys<S>::quantize_query,
          .widen_codes = CodeRows<S>::widen_codes,
          .transpose_keys = CodeRows<S>::transpose_keys,
          .unpack_groups = CodeRows<S>::unpack_groups,
          .quantized_logits = QuantizedKeys<S>::logits,
          .value_weights = QuantizedValues<S>::weights,
          .interleave_values = CodeRows<S>::interleave_values,
          .weigh_codes = QuantizedValues<S>::add_codes,
          .finish_values = QuantizedValues<S>::finish};
}

}  // namespace mikv::reference::vector
