// SPDX-License-Identifier: Apache-2.0
// Softmax attention in fp64 over what a cache held, for the queries of a batch of decode steps.
#pragma once

#include "reference/ground_truth/exact_attention.h"
#include "reference/ground_truth/fp64_kernels.h"
#include "reference/ground_truth/fp64_panel.h"
#include "reference/ground_truth/shared_rows.h"
#include "reference/ground_truth/stored_rows.h"

namespace mikv::ground_truth {

struct StoredAttention {
  Fp64Panel output;  ///< [queries, head_dim]
  /// sum over all queries of KL(exact weights || stored weights); meaningless if the cache lacks
  /// tokens
  double kl_divergence = 0;
};

/// stored's steps are the batch's. shared: the rows of stored that other caches have too, or
/// nullptr.
[[nodiscard]] StoredAttention attend(const ExactBatch& batch, const StoredRows& stored,
                                     const Fp64Kernels& kernels, SharedRows* shared = nullptr);

}  // namespace mikv::ground_truth
