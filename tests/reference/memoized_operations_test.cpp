// SPDX-License-Identifier: Apache-2.0
#include "reference/memoized_operations.h"

#include "core/error.h"
#include "reference/ground_truth/exact_attention.h"
#include "tests/support/catch.h"
#include "tests/support/recorded_trace.h"

namespace mikv::test {
namespace {

// Counts what reaches the operations underneath.
class CountingOperations final : public reference::Operations {
 public:
  reference::Row load_row(const std::byte* row, ElementType type,
                          std::int64_t head_dim) const override {
    return under_.load_row(row, type, head_dim);
  }
  reference::Row channel_balancer(const LayerView& layer, std::int64_t kv_head) const override {
    ++calls;
    return under_.channel_balancer(layer, kv_head);
  }
  void add_prefill_scores(const LayerView& layer, std::int64_t kv_head, RowRange rows,
                          std::span<std::uint64_t> scores) const override {
    ++calls;
    under_.add_prefill_scores(layer, kv_head, rows, scores);
  }
  std::int64_t quantize_packed(const reference::Row& row, int bits, std::span<std::byte> packed,
                               std::span<GroupParams> groups) const override {
    return under_.quantize_packed(row, bits, packed, groups);
  }
  std::vector<reference::HeadAttention> attend_heads(
      const reference::AttentionInputs& inputs) const override {
    return under_.attend_heads(inputs);
  }
  void add_importance(const reference::HeadAttention& head,
                      reference::TierStorage& importance) const override {
    under_.add_importance(head, importance);
  }

  mutable int calls = 0;

 private:
  const reference::Operations& under_ = reference::selected_operations();
};

TEST_CASE("a prompt's scores and balancer are computed once, for each range of rows") {
  TraceSpec spec;
  spec.prompt_length = 70;
  const RecordedTrace trace(spec);
  const LayerView layer = trace.layer();
  const CountingOperations counting;
  const reference::MemoizedOperations memoized(counting);

  const auto scores = [&](const reference::Operations& operations, RowRange rows) {
    std::vector<std::uint64_t> sums(70, 3);  // added to
    operations.add_prefill_scores(layer, 1, rows, sums);
    return sums;
  };
  const std::vector<std::uint64_t> all = scores(memoized, {0, 70});
  CHECK(all == scores(counting, {0, 70}));
  counting.calls = 0;
  CHECK(scores(memoized, {0, 70}) == all);
  CHECK(counting.calls == 0);
  const std::vector<std::uint64_t> last = scores(memoized, {60, 70});
  CHECK(counting.calls == 1);
  CHECK(last != all);

  const reference::Row balancer = memoized.channel_balancer(layer, 1);
  CHECK((memoized.channel_balancer(layer, 1) == balancer).all());
  CHECK(counting.calls == 2);
}

TEST_CASE("blocks of rows add up to the scores of all rows") {
  TraceSpec spec;
  spec.prompt_length = 1000;
  const RecordedTrace trace(spec);
  const LayerView layer = trace.layer();
  std::int64_t blocks = 0;
  const reference::MemoizedOperations memoized(
      reference::selected_operations(),
      [&](std::int64_t count, const std::function<void(std::int64_t)>& job) {
        blocks = count;
        for (std::int64_t i = count; i > 0; --i) job(i - 1);
      });
  std::vector<std::uint64_t> sums(1000);
  std::vector<std::uint64_t> expected(1000);
  memoized.add_prefill_scores(layer, 0, {300, 1000}, sums);
  reference::selected_operations().add_prefill_scores(layer, 0, {300, 1000}, expected);
  CHECK(blocks == 3);
  CHECK(sums == expected);
}

TEST_CASE("a row that is not finite is the same one for any number of blocks") {
  TraceSpec spec;
  spec.prompt_length = 600;
  spec.element = ElementType::bf16;
  spec.change = [](const std::string& name, auto head, auto token, auto, float x) {
    const bool large = (head == 0 && token == 500) || (head == 1 && token == 20);
    return (name == "layers.0.q" && large) || name == "layers.0.k" ? 0x1p100F : x;
  };
  const RecordedTrace trace(spec);
  const LayerView layer = trace.layer();
  const auto error = [&](const reference::Operations& operations) -> std::string {
    std::vector<std::uint64_t> sums(600);
    try {
      operations.add_prefill_scores(layer, 0, {0, 600}, sums);
    } catch (const NumericalError& caught) {
      return caught.what();
    }
    return "";
  };
  const reference::MemoizedOperations memoized(
      reference::selected_operations(),
      [](std::int64_t count, const std::function<void(std::int64_t)>& job) {
        for (std::int64_t i = count; i > 0; --i) job(i - 1);
      });
  CHECK(error(memoized) == error(reference::selected_operations()));
  CHECK_THAT(error(memoized), Catch::Contains("500"));
}

TEST_CASE("exact attention is kept up to a limit") {
  TraceSpec spec;
  spec.prompt_length = 10;
  spec.decode_length = 30;
  const RecordedTrace trace(spec);
  const LayerView layer = trace.layer();
  ground_truth::ExactAttention fresh(layer, 0, 0);
  const std::int64_t bytes = fresh.batch(10, 8).weights.bytes();
  ground_truth::ExactAttention exact(layer, 0, bytes);
  const ground_truth::ExactBatch* kept = &exact.batch(10, 8);
  const ground_truth::ExactBatch* other = &exact.batch(18, 8);
  CHECK(kept->entropy == fresh.batch(10, 8).entropy);
  CHECK(other->entropy == fresh.batch(18, 8).entropy);
  CHECK(&exact.batch(10, 8) == kept);
  CHECK(kept->tokens() == 18);
  CHECK(exact.batch(26, 4).tokens() == 30);
  CHECK(exact.batch(18, 8).entropy == fresh.batch(18, 8).entropy);
}

}  // namespace
}  // namespace mikv::test
