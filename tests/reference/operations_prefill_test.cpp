// SPDX-License-Identifier: Apache-2.0
// What is computed from the prompt, on every instruction set against the readable code.
#include <array>

#include "tests/support/catch.h"
#include "tests/support/fast_isas.h"
#include "tests/support/unaligned_layer.h"

namespace mikv::test {
namespace {

using reference::Isa;
using reference::Row;

std::vector<std::uint64_t> scores(const LayerView& layer, std::int64_t kv_head, RowRange rows,
                                  const reference::Operations& operations) {
  std::vector<std::uint64_t> scores(static_cast<std::size_t>(layer.tokens()), 7);
  operations.add_prefill_scores(layer, kv_head, rows, scores);
  return scores;
}

TEST_CASE("prefill scores of any shape, length and range of rows have the readable code's bits") {
  const ElementType element = GENERATE(ElementType::f16, ElementType::bf16, ElementType::f32);
  constexpr std::array<std::int64_t, 9> kHeadDims{8, 40, 64, 80, 96, 112, 128, 192, 256};
  constexpr std::array<std::int64_t, 6> kRatios{1, 3, 4, 7, 8, 16};
  constexpr std::array<std::int64_t, 11> kLengths{1, 15, 16, 17, 63, 64, 65, 255, 256, 257, 513};
  for (std::size_t i = 0; i < kLengths.size(); ++i) {
    const std::int64_t head_dim = kHeadDims.at(i % kHeadDims.size());
    const std::int64_t length = kLengths.at(i);
    const std::int64_t ratio = length > 100 ? 1 : kRatios.at(i % kRatios.size());
    UnalignedLayer layer({2 * ratio, 2, head_dim}, length, 0, element);
    for (const RowRange rows : {RowRange{0, length}, RowRange{length / 3, length},
                                RowRange{length - 1, length}, RowRange{0, 0}}) {
      const auto expected = scores(layer.view(), 1, rows, readable());
      for (const Isa isa : fast_isas()) {
        INFO(text(isa) << ", head_dim " << head_dim << ", rows " << rows.begin << " to "
                       << rows.end);
        REQUIRE(scores(layer.view(), 1, rows, reference::operations(isa)) == expected);
      }
    }
  }
}

TEST_CASE("logits of every size, the least float among them, have the readable code's scores") {
  // With a scale of 1 in base 2, channel 0 alone makes the logit.
  const float least = -0x1.fffffep127F;
  const float other = GENERATE(0x1.fffffep127F, -0x1.fffffep127F, 0.0F, -0.0F, -1e-40F, 127.5F);
  for (const std::int64_t length : {1, 3, 70, 256, 300}) {
    UnalignedLayer layer({1, 1, 8}, length, 0, ElementType::f32,
                         [&](char tensor, auto, std::int64_t token, std::int64_t channel, float) {
                           if (channel != 0) return 0.0F;
                           return tensor == 'q' ? 1.0F : token % 2 == 0 ? least : other;
                         });
    layer.view().softmax_scale = 0.6931471805599453;
    const auto expected = scores(layer.view(), 0, {0, length}, readable());
    for (const Isa isa : fast_isas()) {
      INFO(text(isa) << ", " << length << " tokens, " << other);
      REQUIRE(scores(layer.view(), 0, {0, length}, reference::operations(isa)) == expected);
    }
  }
}

TEST_CASE("the balancer of any shape has the readable code's bits") {
  const ElementType element = GENERATE(ElementType::f16, ElementType::bf16, ElementType::f32);
  for (const std::int64_t head_dim : {8, 24, 40, 64, 80, 112, 192, 256}) {
    for (const std::int64_t ratio : {1, 3, 7}) {
      UnalignedLayer layer({2 * ratio, 2, head_dim}, 37, 2, element,
                           [](char tensor, auto, auto, std::int64_t channel, float x) {
                             if (channel == 1) return -0.0F;                          // factor 1
                             if (channel == 2) return tensor == 'k' ? 1e-7F * x : x;  // clamped
                             return channel == 5 ? 300 * x : x;
                           });
      const Row expected = readable().channel_balancer(layer.view(), 1);
      for (const Isa isa : fast_isas()) {
        INFO(text(isa) << ", head_dim " << head_dim);
        REQUIRE(same_bits(reference::operations(isa).channel_balancer(layer.view(), 1), expected));
      }
    }
  }
}

}  // namespace
}  // namespace mikv::test
