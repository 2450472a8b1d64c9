// SPDX-License-Identifier: Apache-2.0
// Loading recorded elements, and 2^x, on every instruction set against the readable code.
#include <array>
#include <cfloat>

#include "tests/support/catch.h"
#include "tests/support/fast_isas.h"
#include "tests/support/random_numbers.h"

namespace mikv::test {
namespace {

using reference::Isa;
using reference::Row;

TEST_CASE("rows of any element type, length and address are loaded with the readable code's bits") {
  RandomNumbers random(1);
  for (const ElementType type : {ElementType::f16, ElementType::bf16, ElementType::f32}) {
    for (const std::int64_t head_dim : {1, 7, 8, 15, 16, 17, 31, 40, 80, 112, 192, 255, 256}) {
      for (std::int64_t offset = 0; offset < 8; ++offset) {
        // of this very size, so that a sanitizer sees what is read behind it
        std::vector<std::byte> bytes(
            static_cast<std::size_t>(offset + head_dim * element_bytes(type)));
        for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.below(64));  // finite
        const Row expected = readable().load_row(bytes.data() + offset, type, head_dim);
        for (const Isa isa : fast_isas()) {
          INFO(text(isa) << ", " << element_name(type) << ", " << head_dim << " at " << offset);
          REQUIRE(
              same_bits(reference::operations(isa).load_row(bytes.data() + offset, type, head_dim),
                        expected));
        }
      }
    }
  }
}

TEST_CASE("every finite half is loaded with the readable code's bits") {
  std::vector<std::uint16_t> halves;
  for (std::uint32_t bits = 0; bits < 0x10000U; ++bits) {
    if ((bits & 0x7c00U) != 0x7c00U) halves.push_back(static_cast<std::uint16_t>(bits));
  }
  const auto* bytes = reinterpret_cast<const std::byte*>(halves.data());
  const auto count = static_cast<std::int64_t>(halves.size());
  const Row expected = readable().load_row(bytes, ElementType::f16, count);
  for (const Isa isa : fast_isas()) {
    INFO(text(isa));
    CHECK(same_bits(reference::operations(isa).load_row(bytes, ElementType::f16, count), expected));
  }
}

// 2^x through the weights of a chunk whose largest logit is 0.
class ExpSweep {
 public:
  explicit ExpSweep(Isa isa) : isa_(isa) {}
  ~ExpSweep() { flush(); }
  ExpSweep(const ExpSweep&) = delete;
  ExpSweep& operator=(const ExpSweep&) = delete;

  void add(float x) {
    logits_.at(count_++) = x;
    if (count_ == kChunkSlots) flush();
  }
  void flush() {
    std::array<float, kChunkSlots> logits = logits_;
    std::array<float, kChunkSlots> p{};
    kernels(isa_).chunk_weights(logits.data(), static_cast<std::int64_t>(count_), p.data());
    for (std::size_t i = 0; i < p.size(); ++i) {
      const float expected = i < count_ ? reference::exp2(logits_.at(i)) : 0.0F;
      if (!same_bits(p.at(i), expected)) FAIL_CHECK(text(isa_) << ": 2^" << logits_.at(i));
    }
    compared_ += static_cast<std::int64_t>(count_);
    count_ = 1;
  }
  [[nodiscard]] std::int64_t compared() const { return compared_; }

 private:
  Isa isa_;
  std::array<float, kChunkSlots> logits_{};  // the first stays 0
  std::size_t count_ = 1;
  std::int64_t compared_ = 0;
};

TEST_CASE("2^x has the readable code's bits over its whole domain") {
  for (const Isa isa : fast_isas()) {
    ExpSweep sweep(isa);
    // every 1501st negative float, by its bits, to far below the domain
    for (std::uint32_t bits = 0x80000000U; bits < 0xc6000000U; bits += 1501) {
      sweep.add(std::bit_cast<float>(bits));
    }
    // every 2^k, the points where its exponent changes, and their neighbours
    for (int half = 0; half <= 260; ++half) {
      const float x = -0.5F * static_cast<float>(half);
      for (const float near : {x, std::nextafter(x, -FLT_MAX), std::nextafter(x, 0.0F)}) {
        sweep.add(near);
      }
    }
    for (const float x : {-FLT_MAX, -1e30F, -0x1p23F, -0x1p22F, -FLT_MIN, -0x1p-149F, -0.0F}) {
      sweep.add(x);
    }
    sweep.flush();
    CHECK(sweep.compared() > 700'000);
  }
}

}  // namespace
}  // namespace mikv::test
