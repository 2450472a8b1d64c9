// SPDX-License-Identifier: Apache-2.0
#include "reference/ground_truth/shared_rows.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "reference/ground_truth/decode.h"

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
    if (part.size() > bytes.size() || std::memcmp(part.data(), bytes.data(), part.size()) != 0) {
      return false;
    }
    bytes = bytes.subspan(part.size());
  }
  return bytes.empty();
}

}  // namespace

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

ErrorSums row_error(const double* row, const TensorView& recorded, std::int64_t kv_head,
                    std::int64_t position) {
  std::vector<double> exact(static_cast<std::size_t>(recorded.head_dim));
  decode_elements(recorded.row(kv_head, position), recorded.type, exact);
  return compare_row(row, exact.data(), recorded.head_dim);
}

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

SharedRows::SharedRows(const LayerView& layer, std::int64_t kv_head, std::int64_t max_bytes)
    : layer_(layer), kv_head_(kv_head), bytes_left_(max_bytes) {}

RowVariant* SharedRows::find(const StoredRow& row, std::span<const double> balancer) {
  const bool balanced = info(row.format).quantized && !balancer.empty();
  std::unique_ptr<RowVariant>& variant = variants_[{row.format, row.key_groups.size(), balanced}];
  if (!variant) {
    if (2 * layer_.tokens() * layer_.shape.head_dim * std::int64_t{sizeof(double)} > bytes_left_) {
      return nullptr;
    }
    variant = std::make_unique<RowVariant>(layer_, kv_head_);
    bytes_left_ -= variant->bytes();
  }
  return variant->holds(row, balancer) ? variant.get() : nullptr;
}

}  // namespace mikv::ground_truth
