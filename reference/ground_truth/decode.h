// SPDX-License-Identifier: Apache-2.0
// Recorded and stored values in fp64, decoded without the reference's arithmetic: part of the
// ground truth.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <span>

#include "core/page_layout.h"
#include "core/shape.h"

namespace mikv::ground_truth {

using RowMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using RowVector = Eigen::RowVectorXd;

/// The first tokens rows of one head, [tokens, head_dim].
[[nodiscard]] RowMatrix decode_head(const TensorView& tensor, std::int64_t head,
                                    std::int64_t tokens);

/// The elements of one row.
[[nodiscard]] RowVector decode_elements(const std::byte* row, ElementType type,
                                        std::int64_t head_dim);

/// alpha * code + beta of a packed row (FORMAT, "Codes"), in fp64.
[[nodiscard]] RowVector decode_codes(std::span<const std::byte> packed, int bits,
                                     std::span<const GroupParams> groups, std::int64_t head_dim);

}  // namespace mikv::ground_truth
