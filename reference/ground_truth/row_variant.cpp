// SPDX-License-Identifier: Apache-2.0
#include "reference/ground_truth/row_variant.h"

#include <algorithm>
#include <array>
#include <utility>

namespace mikv::ground_truth {
namespace {

using Bytes = std::span<const std::byte>;

// All that a row's values follow from.
std::array<Bytes, 4> parts_of(const StoredRow& row) {
  return {row.key, row.value, std::as_bytes(row.key_groups), std::as_bytes(row.value_groups)};
}

std::vector<std::byte> bytes_of(const StoredRow& row) {
  std::vector<std::byte> bytes;
  for (const Bytes part : parts_of(row)) bytes.insert(bytes.end(), part.begin(), part.end());
  return bytes;
}

bool is_made_of(Bytes bytes, const StoredRow& row) {
  for (const Bytes part : parts_of(row)) {
    if (part.size() > bytes.size()) return false;
    if (!std::equal(part.begin(), part.end(), bytes.begin())) return false;
    bytes = bytes.subspan(part.size());
  }
  return bytes.empty();
}

}  // namespace

void score_rows(const Fp64Panel& keys, const RowNumbers& positions, const ExactBatch& batch,
                const Fp64Kernels& kernels, Fp64Panel& out, const RowNumbers& out_rows) {
  for (std::size_t first = 0; first < positions.size(); first += kBlockTokens) {
    const std::int64_t count =
        std::min(kBlockTokens, static_cast<std::int64_t>(positions.size() - first));
    Fp64Panel block(count, keys.columns());
    Fp64Panel scores(count, batch.query_count());
    for (std::int64_t i = 0; i < count; ++i) {
      const double* key = keys.row(positions[first + static_cast<std::size_t>(i)]);
      std::copy_n(key, keys.columns(), block.row(i));
    }
    kernels.multiply_add(count, batch.queries.rows(), scores.columns(), block.as_left(0),
                         batch.queries.from_row(0), scores.from_row(0));
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t row = out_rows[first + static_cast<std::size_t>(i)];
      std::copy_n(scores.row(i), scores.columns(), out.row(row));
    }
  }
}

RowVariant::RowVariant(const LayerView& layer, std::int64_t kv_head)
    : layer_(layer),
      kv_head_(kv_head),
      keys_(layer.tokens(), layer.shape.head_dim),
      values_(layer.tokens(), layer.shape.head_dim),
      stored_(static_cast<std::size_t>(layer.tokens())),
      errors_(stored_.size()) {}

bool RowVariant::holds(const StoredRow& row, std::span<const double> balancer) {
  std::vector<std::byte>& known = stored_[static_cast<std::size_t>(row.position)];
  if (!known.empty()) return is_made_of(known, row);
  known = bytes_of(row);
  const auto head_dim = static_cast<std::size_t>(layer_.shape.head_dim);
  decode_row(row, balancer, {keys_.row(row.position), head_dim},
             {values_.row(row.position), head_dim});
  return true;
}

const RowErrors& RowVariant::errors(std::int64_t position) {
  std::optional<RowErrors>& errors = errors_[static_cast<std::size_t>(position)];
  if (!errors) {
    errors = {.key = row_error(keys_.row(position), layer_.k, kv_head_, position),
              .value = row_error(values_.row(position), layer_.v, kv_head_, position)};
  }
  return *errors;
}

const Fp64Panel* RowVariant::scores(const ExactBatch& batch, const RowNumbers& positions,
                                    const Fp64Kernels& kernels, std::int64_t& bytes) {
  auto found = scores_.find(batch.first_position);
  if (found == scores_.end()) {
    if (batch.weights.bytes() > bytes) return nullptr;
    bytes -= batch.weights.bytes();
    BatchScores fresh{Fp64Panel(batch.tokens(), batch.query_count()),
                      std::vector<bool>(static_cast<std::size_t>(batch.tokens()))};
    found = scores_.emplace(batch.first_position, std::move(fresh)).first;
  }
  BatchScores& scores = found->second;
  if (scores.panel.rows() != batch.tokens()) return nullptr;  // of other steps
  RowNumbers missing;
  for (const std::int64_t position : positions) {
    const auto at = static_cast<std::size_t>(position);
    if (scores.known[at]) continue;
    scores.known[at] = true;
    missing.push_back(position);
  }
  score_rows(keys_, missing, batch, kernels, scores.panel, missing);
  return &scores.panel;
}

}  // namespace mikv::ground_truth
