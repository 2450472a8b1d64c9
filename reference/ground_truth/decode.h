// SPDX-License-Identifier: Apache-2.0
// Recorded and stored values in fp64, decoded without the reference's arithmetic: part of the
// ground truth.
#pragma once

#include <Eigen/Core>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/page_layout.h"
#include "core/shape.h"

namespace mikv::ground_truth {

using RowMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// The elements of one row, as many as out has.
void decode_elements(const std::byte* row, ElementType type, std::span<double> out);

/// The first tokens rows of one head, [tokens, head_dim].
[[nodiscard]] RowMatrix decode_head(const TensorView& tensor, std::int64_t head,
                                    std::int64_t tokens);

/// alpha * code + beta of a packed row (FORMAT, "Codes"), as many values as out has.
void decode_codes(std::span<const std::byte> packed, int bits, std::span<const GroupParams> groups,
                  std::span<double> out);

}  // namespace mikv::ground_truth
