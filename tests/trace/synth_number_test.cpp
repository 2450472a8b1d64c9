// SPDX-License-Identifier: Apache-2.0
// The integers that synthetic traces are made of, against floating point.
#include <cmath>

#include "tests/support/catch.h"
#include "tests/support/random_numbers.h"
#include "tests/support/trace_builder.h"
#include "trace/synth/counter_random.h"
#include "trace/synth/fixed_point.h"

namespace mikv::test {
namespace {

using trace::synth::CounterRandom;
using trace::synth::Purpose;

// A value that a float holds: to_element then rounds but once.
void check_rounding(std::int64_t value) {
  const auto exact = static_cast<float>(std::ldexp(value, -trace::synth::kValueBits));
  REQUIRE(std::ldexp(exact, trace::synth::kValueBits) == static_cast<double>(value));
  INFO(value);
  CHECK(trace::synth::round_to_fp16(value) == to_element(exact, ElementType::f16));
  CHECK(trace::synth::round_to_bf16(value) == to_element(exact, ElementType::bf16));
}

TEST_CASE("values round to fp16 and bf16 to nearest, halves to even, subnormals included") {
  // 12 and 9 significant bits end on halves of fp16 and bf16.
  for (const int bits : {9, 12, 24}) {
    for (int shift = 0; shift + bits <= 62; ++shift) {
      RandomNumbers random(static_cast<std::uint64_t>(shift));
      for (int i = 0; i < 200; ++i) {
        const auto m = static_cast<std::int64_t>(random.below(std::uint64_t{1} << bits) | 1U);
        check_rounding(m << shift);
        check_rounding(-(m << shift));
      }
    }
  }
  CHECK(trace::synth::round_to_fp16(0) == 0);
  CHECK(trace::synth::round_to_bf16(0) == 0);
}

TEST_CASE("rounding that carries moves to the next power of two") {
  const std::int64_t one = std::int64_t{1} << trace::synth::kValueBits;
  CHECK(trace::synth::round_to_fp16(2 * one - 1) == 0x4000);
  CHECK(trace::synth::round_to_bf16(2 * one - 1) == 0x4000);
  CHECK(trace::synth::round_to_fp16(std::numeric_limits<std::int64_t>::max()) == 0x7800);
  CHECK(trace::synth::round_to_fp16(std::numeric_limits<std::int64_t>::min()) == 0xf800);
}

TEST_CASE("numbers by position are SplitMix64's sequence") {
  const CounterRandom random(3, 1, Purpose::k, 2);
  using trace::synth::mix;
  RandomNumbers sequence(mix(mix(mix(mix(3) + 1) + 1) + 2));
  for (std::uint64_t n = 0; n < 100; ++n) REQUIRE(random.word(n) == sequence.next());
}

TEST_CASE("normal numbers have the moments of a normal distribution") {
  const CounterRandom random(0, 0, Purpose::q, 0);
  constexpr int kCount = 200'000;
  double mean = 0;
  double square = 0;
  double fourth = 0;
  double neighbours = 0;
  double last = 0;
  for (int n = 0; n < kCount; ++n) {
    const double x = static_cast<double>(random.normal(static_cast<std::uint64_t>(n))) / 53509.88;
    mean += x / kCount;
    square += x * x / kCount;
    fourth += x * x * x * x / kCount;
    neighbours += x * last / kCount;
    last = x;
  }
  CHECK(std::abs(mean) < 0.01);
  CHECK(square == Approx(1).margin(0.02));
  CHECK(fourth == Approx(2.85).margin(0.1));  // 3 less 0.15: a sum of 8
  CHECK(std::abs(neighbours) < 0.01);
}

TEST_CASE("uniform numbers fill their range and nothing else") {
  const CounterRandom random(0, 0, Purpose::kv_head, 0);
  std::int64_t low = 1000;
  std::int64_t high = -1000;
  for (std::uint64_t n = 0; n < 1000; ++n) {
    const std::int64_t x = random.uniform(n, -7, 8);
    low = std::min(low, x);
    high = std::max(high, x);
  }
  CHECK(low == -7);
  CHECK(high == 7);
}

TEST_CASE("roots round down, and the sine of parabolas is near the sine") {
  for (const std::uint64_t x : {0U, 1U, 2U, 3U, 4U, 24U, 25U, 26U}) {
    CHECK(trace::synth::square_root(x) ==
          static_cast<std::int64_t>(std::sqrt(static_cast<double>(x))));
  }
  CHECK(trace::synth::square_root(std::numeric_limits<std::uint64_t>::max()) == 0xffff'ffff);
  for (std::uint64_t angle = 0; angle < 1 << 17; angle += 37) {
    const double turn = static_cast<double>(angle) / 65536 * 6.283185307179586;
    CHECK(static_cast<double>(trace::synth::sine(angle)) / trace::synth::kOne ==
          Approx(std::sin(turn)).margin(0.0561));
    CHECK(static_cast<double>(trace::synth::cosine(angle)) / trace::synth::kOne ==
          Approx(std::cos(turn)).margin(0.0561));
  }
}

}  // namespace
}  // namespace mikv::test
