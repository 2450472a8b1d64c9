// SPDX-License-Identifier: Apache-2.0
// The batched ground truth against attention step by step.
#include "reference/ground_truth/head_errors.h"

#include "reference/ground_truth/attention.h"
#include "reference/ground_truth/decode.h"
#include "reference/ground_truth/softmax_columns.h"
#include "tests/support/catch.h"
#include "tests/support/random_numbers.h"
#include "tests/support/recorded_trace.h"

namespace mikv::test {
namespace {

using ground_truth::HeadErrors;
using ground_truth::RowMatrix;

RowMatrix row_of(const TensorView& tensor, std::int64_t head, std::int64_t token) {
  RowMatrix row(1, tensor.head_dim);
  ground_truth::decode_elements(tensor.row(head, token), tensor.type,
                                {row.data(), static_cast<std::size_t>(tensor.head_dim)});
  return row;
}

ErrorSums compare(const RowMatrix& approximation, const RowMatrix& exact) {
  return {(approximation - exact).squaredNorm(), exact.squaredNorm(), exact.rows()};
}

// What HeadErrors should find, one step at a time.
class Judge {
 public:
  Judge(const LayerView& layer, std::int64_t kv_head, bool drops_tokens)
      : layer_(layer),
        kv_head_(kv_head),
        drops_tokens_(drops_tokens),
        k_(ground_truth::decode_head(layer.k, kv_head, layer.tokens())),
        v_(ground_truth::decode_head(layer.v, kv_head, layer.tokens())),
        k_stored_(RowMatrix::Zero(k_.rows(), k_.cols())),
        v_stored_(RowMatrix::Zero(v_.rows(), v_.cols())),
        absent_(static_cast<std::size_t>(layer.tokens()), true) {}

  void stored(std::int64_t position, const RowMatrix& key, const RowMatrix& value) {
    k_stored_.row(position) = key;
    v_stored_.row(position) = value;
    absent_[static_cast<std::size_t>(position)] = false;
  }
  void dropped(std::int64_t position) { absent_[static_cast<std::size_t>(position)] = true; }

  void attended(std::int64_t position, const std::vector<float>& outputs) {
    const std::int64_t ratio = layer_.shape.group_ratio();
    RowMatrix q(ratio, layer_.shape.head_dim);
    for (std::int64_t i = 0; i < ratio; ++i) {
      q.row(i) = row_of(layer_.q, kv_head_ * ratio + i, position);
    }
    const std::int64_t tokens = position + 1;
    const double scale = layer_.softmax_scale;
    const auto exact = ground_truth::attend(q, k_, v_, tokens, scale, {});
    const auto stored = ground_truth::attend(q, k_stored_, v_stored_, tokens, scale, absent_);
    RowMatrix measured(ratio, layer_.shape.head_dim);
    std::copy(outputs.begin(), outputs.end(), measured.data());
    figures.output_error += compare(stored.output, exact.output);
    figures.kernel_error += compare(measured, stored.output);
    if (drops_tokens_) return;
    figures.attention_kl +=
        {(exact.log_p.array().exp() * (exact.log_p - stored.log_p).array()).sum(), ratio};
  }

  void finish() {
    for (Eigen::Index j = 0; j < k_.rows(); ++j) {
      if (absent_[static_cast<std::size_t>(j)]) continue;
      figures.key_error += compare(k_stored_.row(j), k_.row(j));
      figures.value_error += compare(v_stored_.row(j), v_.row(j));
      figures.stored_elements += 2 * k_.cols();
    }
  }

  CacheFigures figures;

 private:
  const LayerView& layer_;
  std::int64_t kv_head_;
  bool drops_tokens_;
  RowMatrix k_, v_, k_stored_, v_stored_;
  std::vector<bool> absent_;
};

// Shows a history of a cache to both: prompt, then append, attend and up to two demotions a step.
class History {
 public:
  History(const LayerView& layer, std::int64_t kv_head, bool drops_tokens, HeadErrors& errors,
          Judge& judge)
      : layer_(layer),
        kv_head_(kv_head),
        drops_tokens_(drops_tokens),
        errors_(errors),
        judge_(judge) {}

  void run() {
    for (std::int64_t position = 0; position < layer_.prompt_length; ++position) keep(position);
    for (std::int64_t position = layer_.prompt_length; position < layer_.tokens(); ++position) {
      keep(position);
      attend(position);
      for (std::uint64_t i = random_.below(3); i > 0; --i) demote(position);
    }
  }

 private:
  void keep(std::int64_t position) {
    const auto bytes = static_cast<std::size_t>(layer_.k.row_bytes());
    errors_.stored({.position = position,
                    .format = StorageFormat::fp16,
                    .key = {layer_.k.row(kv_head_, position), bytes},
                    .value = {layer_.v.row(kv_head_, position), bytes},
                    .key_groups = {},
                    .value_groups = {}});
    judge_.stored(position, row_of(layer_.k, kv_head_, position),
                  row_of(layer_.v, kv_head_, position));
  }

  void attend(std::int64_t position) {
    std::vector<float> outputs(
        static_cast<std::size_t>(layer_.shape.group_ratio() * layer_.shape.head_dim));
    for (float& x : outputs) x = static_cast<float>(random_.normal());
    errors_.attended(position, outputs);
    judge_.attended(position, outputs);
  }

  // Not the last token: something must be left to attend to.
  void demote(std::int64_t last) {
    const auto position =
        static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(last)));
    if (drops_tokens_) {
      errors_.dropped(position);
      judge_.dropped(position);
      return;
    }
    const GroupParams key_group{.alpha = 0x3400, .beta = 0xc000};  // 0.25 * code - 2
    const GroupParams value_group{.alpha = 0x3000, .beta = 0xbc00};
    const std::vector<std::byte> key = codes();
    const std::vector<std::byte> value = codes();
    errors_.stored({.position = position,
                    .format = StorageFormat::int4,
                    .key = key,
                    .value = value,
                    .key_groups = {&key_group, 1},
                    .value_groups = {&value_group, 1}});
    judge_.stored(position, dequantized(key, 0.25, -2), dequantized(value, 0.125, -1));
  }

  std::vector<std::byte> codes() {
    std::vector<std::byte> packed(static_cast<std::size_t>(layer_.shape.head_dim / 2));
    for (std::byte& b : packed) b = static_cast<std::byte>(random_.below(256));
    return packed;
  }

  static RowMatrix dequantized(const std::vector<std::byte>& packed, double alpha, double beta) {
    RowMatrix row(1, static_cast<Eigen::Index>(2 * packed.size()));
    for (std::size_t i = 0; i < packed.size(); ++i) {
      const auto byte = std::to_integer<unsigned>(packed[i]);
      const auto c = static_cast<Eigen::Index>(2 * i);
      row(0, c) = alpha * (byte & 15U) + beta;
      row(0, c + 1) = alpha * (byte >> 4U) + beta;
    }
    return row;
  }

  const LayerView& layer_;
  std::int64_t kv_head_;
  bool drops_tokens_;
  HeadErrors& errors_;
  Judge& judge_;
  RandomNumbers random_{17};
};

void check_same(const ErrorSums& got, const ErrorSums& expected) {
  CHECK(got.count == expected.count);
  CHECK(got.error_squared == Approx(expected.error_squared).epsilon(1e-11));
  CHECK(got.reference_squared == Approx(expected.reference_squared).epsilon(1e-11));
}

struct ErrorsCase {
  std::int64_t group_ratio;
  std::int64_t head_dim;
  std::int64_t prompt_length;
  std::int64_t decode_length;
  bool drops_tokens;
};

TEST_CASE("errors of many steps at once are those of one step after the other") {
  const ErrorsCase given = GENERATE(values<ErrorsCase>({{1, 40, 300, 150, false},
                                                        {1, 128, 100, 65, true},
                                                        {4, 64, 130, 33, false},
                                                        {7, 80, 1, 25, true},
                                                        {16, 8, 127, 9, false}}));
  const reference::Isa isa = GENERATE(from_range(reference::available_isas()));
  TraceSpec spec;
  spec.query_heads = 2 * given.group_ratio;
  spec.head_dim = given.head_dim;
  spec.prompt_length = given.prompt_length;
  spec.decode_length = given.decode_length;
  spec.standard_deviation = 2;
  const RecordedTrace trace(spec);
  const LayerView layer = trace.layer(1);
  INFO(name(isa) << ", G " << given.group_ratio << ", D " << given.head_dim);

  ground_truth::ExactAttention exact(layer, 1, 0, ground_truth::fp64_kernels(isa));
  HeadErrors errors(exact, given.drops_tokens);
  Judge judge(layer, 1, given.drops_tokens);
  History(layer, 1, given.drops_tokens, errors, judge).run();
  judge.finish();
  CacheFigures figures;
  errors.add_to(figures);

  check_same(figures.key_error, judge.figures.key_error);
  check_same(figures.value_error, judge.figures.value_error);
  check_same(figures.output_error, judge.figures.output_error);
  check_same(figures.kernel_error, judge.figures.kernel_error);
  CHECK(figures.attention_kl.count == judge.figures.attention_kl.count);
  CHECK(figures.attention_kl.sum == Approx(judge.figures.attention_kl.sum).epsilon(1e-10));
  CHECK(figures.stored_elements == judge.figures.stored_elements);
}

// exp over its whole range, through weights of scores below a maximum of 0.
TEST_CASE("weights of the batched softmax are exact to a few units of fp64") {
  const reference::Isa isa = GENERATE(from_range(reference::available_isas()));
  ground_truth::Fp64Panel scores(7000, 1);
  for (std::int64_t i = 1; i < scores.rows(); ++i) scores.row(i)[0] = -0.1011 * double(i);
  scores.row(scores.rows() - 1)[0] = -745;
  const ground_truth::SoftmaxColumns softmax(scores, ground_truth::fp64_kernels(isa));
  double worst = 0;
  for (std::int64_t i = 0; i < scores.rows(); ++i) {
    const double exact = std::exp(-0.1011 * double(i));
    if (exact < 0x1p-1020) break;
    worst = std::max(worst, std::fabs(scores.row(i)[0] / exact - 1));
  }
  INFO(name(isa));
  CHECK(worst < 4 * 0x1p-53);
  CHECK(softmax.weight_sum(0) == Approx(1 / -std::expm1(-0.1011)).epsilon(1e-14));
  CHECK(scores.row(scores.rows() - 1)[0] == 0);
}

}  // namespace
}  // namespace mikv::test
