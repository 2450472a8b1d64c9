// SPDX-License-Identifier: Apache-2.0
// The benchmarks, by subject; each in the source of that name.
#pragma once

#include "tests/benchmark/sizes.h"

namespace mikv::bench {

void add_ceilings(const Sizes& sizes);
void add_rows(const Sizes& sizes);
void add_prefill_scores(const Sizes& sizes);
void add_selection(const Sizes& sizes);
void add_decode_attention(const Sizes& sizes);
void add_decode_step(const Sizes& sizes);

}  // namespace mikv::bench
