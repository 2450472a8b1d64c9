// SPDX-License-Identifier: Apache-2.0
#include "tests/benchmark/exact.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/error.h"
#include "reference/arith.h"

namespace mikv::bench {
namespace {

using DoubleRow = std::vector<double>;

DoubleRow halves_row(const std::uint16_t* rows, std::int64_t token, std::int64_t head_dim) {
  DoubleRow row;
  for (std::int64_t c = 0; c < head_dim; ++c) {
    row.push_back(reference::from_half(rows[token * head_dim + c]));
  }
  return row;
}

DoubleRow codes_row(const std::uint8_t* codes, const std::uint16_t* groups, std::int64_t token,
                    const alternatives::Head& head) {
  DoubleRow row;
  for (std::int64_t c = 0; c < head.head_dim; ++c) {
    const std::int64_t at = token * head.head_dim + c;
    const std::uint16_t* group = groups + at / head.group_size * 2;
    const double code = (codes[at / 4] >> (2 * (at % 4))) & 3;
    row.push_back(reference::from_half(group[0]) * code + reference::from_half(group[1]));
  }
  return row;
}

double dot(const float* query, const DoubleRow& key) {
  double sum = 0;
  for (std::size_t c = 0; c < key.size(); ++c) sum += query[c] * key[c];
  return sum;
}

// Logits become weights; returns their sum.
double exponentiate(DoubleRow& logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (double& x : logits) sum += x = std::exp(x - largest);
  return sum;
}

}  // namespace

std::vector<double> exact_attention(const alternatives::Head& head,
                                    const alternatives::Queries& queries) {
  const auto& [halves, codes, head_dim, group_size] = head;
  std::vector<double> out;
  for (std::int64_t i = 0; i < queries.count; ++i) {
    DoubleRow weights;
    for (std::int64_t t = 0; t < halves.tokens; ++t) {
      weights.push_back(queries.scale *
                        dot(queries.values + i * head_dim, halves_row(halves.keys, t, head_dim)));
    }
    for (std::int64_t t = 0; t < codes.tokens; ++t) {
      weights.push_back(queries.scale * dot(queries.balanced + i * head_dim,
                                            codes_row(codes.keys, codes.key_groups, t, head)));
    }
    const double sum = exponentiate(weights);
    DoubleRow row(static_cast<std::size_t>(head_dim));
    for (std::int64_t t = 0; t < halves.tokens + codes.tokens; ++t) {
      const DoubleRow value =
          t < halves.tokens ? halves_row(halves.values, t, head_dim)
                            : codes_row(codes.values, codes.value_groups, t - halves.tokens, head);
      const double weight = weights[static_cast<std::size_t>(t)] / sum;
      for (std::size_t c = 0; c < row.size(); ++c) row[c] += weight * value[c];
    }
    out.insert(out.end(), row.begin(), row.end());
  }
  return out;
}

std::vector<double> exact_column_scores(const std::uint16_t* queries, const std::uint16_t* keys,
                                        std::int64_t tokens, std::int64_t head_dim, float scale) {
  std::vector<double> scores(static_cast<std::size_t>(tokens));
  std::vector<DoubleRow> key_rows;
  for (std::int64_t t = 0; t < tokens; ++t) {
    key_rows.push_back(halves_row(keys, t, head_dim));
    const DoubleRow query = halves_row(queries, t, head_dim);
    const std::vector<float> query_row(query.begin(), query.end());
    DoubleRow weights;
    for (const DoubleRow& key : key_rows) weights.push_back(scale * dot(query_row.data(), key));
    const double sum = exponentiate(weights);
    for (std::size_t j = 0; j < weights.size(); ++j) scores[j] += weights[j] / sum;
  }
  return scores;
}

void require_close(std::string_view what, std::span<const float> values,
                   std::span<const double> exact) {
  constexpr double kTolerance = 1e-4;
  double error = 0;
  double norm = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    error += (values[i] - exact[i]) * (values[i] - exact[i]);
    norm += exact[i] * exact[i];
  }
  if (!(error <= kTolerance * kTolerance * norm)) {
    throw InternalError(std::string(what) + " is off by " +
                        std::to_string(std::sqrt(error / norm)));
  }
}

}  // namespace mikv::bench
