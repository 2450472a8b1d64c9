// SPDX-License-Identifier: Apache-2.0
#include <Eigen/Core>
#include <cstring>

#include "tests/benchmark/alternatives/alternatives.h"

namespace mikv::alternatives {
namespace {

using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using HalfRows = Eigen::Matrix<Eigen::half, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr std::int64_t kBlockTokens = 32;  // in fp32 they fit into the first-level cache
constexpr std::int64_t kCodesOfWord = 16;

float to_float(std::uint16_t half) {
  return static_cast<float>(Eigen::numext::bit_cast<Eigen::half>(half));
}

// One of the two matrices of a head, whose rows become fp32 a block at a time.
struct StoredRows {
  const std::uint16_t* halves;
  const std::uint8_t* codes;
  const std::uint16_t* groups;
};

void cast(const StoredRows& rows, std::int64_t first, Eigen::Ref<Rows>& block) {
  const auto* halves = reinterpret_cast<const Eigen::half*>(rows.halves) + first * block.cols();
  block = Eigen::Map<const HalfRows>(halves, block.rows(), block.cols()).cast<float>();
}

void unpack(const StoredRows& rows, std::int64_t group_size, std::int64_t first,
            Eigen::Ref<Rows>& block) {
  const std::int64_t words = block.cols() / kCodesOfWord;
  const std::int64_t words_of_group = group_size / kCodesOfWord;
  const std::uint8_t* codes = rows.codes + first * words * 4;
  const std::uint16_t* group = rows.groups + first * words / words_of_group * 2;
  float* out = block.data();
  for (std::int64_t i = 0; i < block.rows() * words; i += words_of_group, group += 2) {
    const float alpha = to_float(group[0]);
    const float beta = to_float(group[1]);
    for (std::int64_t w = 0; w < words_of_group; ++w, codes += 4, out += kCodesOfWord) {
      std::uint32_t word = 0;
      std::memcpy(&word, codes, sizeof(word));
      for (std::int64_t c = 0; c < kCodesOfWord; ++c) {
        out[c] = static_cast<float>(static_cast<int>((word >> (2 * c)) & 3U)) * alpha + beta;
      }
    }
  }
}

// Calls use(first, block) for blocks of a tier's rows in fp32.
template <typename Fill, typename Use>
void for_blocks(std::int64_t tokens, std::int64_t head_dim, Fill fill, Use use) {
  Rows block(kBlockTokens, head_dim);
  for (std::int64_t first = 0; first < tokens; first += kBlockTokens) {
    const std::int64_t count = std::min(kBlockTokens, tokens - first);
    Eigen::Ref<Rows> rows = block.topRows(count);
    fill(first, rows);
    use(first, rows);
  }
}

}  // namespace

void attend(const Head& head, const Queries& queries, float* out) {
  const std::int64_t halves = head.halves.tokens;
  const std::int64_t codes = head.codes.tokens;
  const Eigen::Map<const Rows> q(queries.values, queries.count, head.head_dim);
  const Eigen::Map<const Rows> balanced(queries.balanced, queries.count, head.head_dim);
  const auto cast_of = [&](const std::uint16_t* rows) {
    return [rows](std::int64_t first, Eigen::Ref<Rows>& block) {
      cast({.halves = rows, .codes = nullptr, .groups = nullptr}, first, block);
    };
  };
  const auto unpack_of = [&](const std::uint8_t* rows, const std::uint16_t* groups) {
    return [=, &head](std::int64_t first, Eigen::Ref<Rows>& block) {
      unpack({.halves = nullptr, .codes = rows, .groups = groups}, head.group_size, first, block);
    };
  };

  Eigen::MatrixXf weights(halves + codes, queries.count);
  for_blocks(halves, head.head_dim, cast_of(head.halves.keys), [&](auto first, const auto& block) {
    for (std::int64_t i = 0; i < queries.count; ++i) {
      weights.col(i).segment(first, block.rows()).noalias() = block * q.row(i).transpose();
    }
  });
  for_blocks(codes, head.head_dim, unpack_of(head.codes.keys, head.codes.key_groups),
             [&](auto first, const auto& block) {
               for (std::int64_t i = 0; i < queries.count; ++i) {
                 weights.col(i).segment(halves + first, block.rows()).noalias() =
                     block * balanced.row(i).transpose();
               }
             });
  for (auto column : weights.colwise()) {
    column.array() = (queries.scale * (column.array() - column.maxCoeff())).exp();
    column /= column.sum();
  }

  Eigen::Map<Rows> o(out, queries.count, head.head_dim);
  o.setZero();
  const auto add_rows = [&](std::int64_t first, const auto& block) {
    for (std::int64_t i = 0; i < queries.count; ++i) {
      o.row(i).transpose().noalias() +=
          block.transpose() * weights.col(i).segment(first, block.rows());
    }
  };
  for_blocks(halves, head.head_dim, cast_of(head.halves.values), add_rows);
  for_blocks(codes, head.head_dim, unpack_of(head.codes.values, head.codes.value_groups),
             [&](auto first, const auto& block) { add_rows(halves + first, block); });
}

}  // namespace mikv::alternatives
