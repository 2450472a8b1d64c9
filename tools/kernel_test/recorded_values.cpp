// SPDX-License-Identifier: Apache-2.0
#include "tools/kernel_test/recorded_values.h"

#include <cmath>

#include "trace/synth/counter_random.h"

namespace mikv::kernel_test {
namespace {

using trace::synth::mix;

// The sum of eight 16-bit numbers has this standard deviation.
constexpr double kNormalUnit = 53509.9;

// A logit of its square: 2^-30 and more below the first token's are all others.
constexpr double kSink = 16;

std::uint64_t mixed(std::uint64_t key, std::int64_t x) {
  return mix(key + static_cast<std::uint64_t>(x));
}

// -1 to 1
double uniform(std::uint64_t word) {
  return static_cast<double>(word >> 11U) * 0x1p-52 - 1;
}

}  // namespace

RecordedValues::RecordedValues(const CaseSpec& spec, std::int64_t sequence, std::int64_t tokens)
    : spec_(spec), sequence_(sequence), tokens_(tokens) {}

std::uint64_t RecordedValues::word(Tensor tensor, std::int64_t head, std::int64_t token,
                                   std::int64_t channel) const {
  const std::uint64_t key = mixed(mixed(mix(spec_.seed), sequence_), static_cast<int>(tensor));
  return mixed(mixed(mixed(key, head), token), channel);
}

double RecordedValues::normal(Tensor tensor, std::int64_t head, std::int64_t token,
                              std::int64_t channel) const {
  std::uint64_t state = word(tensor, head, token, channel);
  std::int64_t sum = -8 * 0x7fff - 4;
  for (int half = 0; half < 2; ++half) {
    for (int part = 0; part < 4; ++part) {
      sum += static_cast<std::int64_t>(state >> (16 * part) & 0xffffU);
    }
    state = mix(state);
  }
  return static_cast<double>(sum) / kNormalUnit;
}

// 2^-2 to 2^2, another one for each token and group.
double RecordedValues::row_factor(Tensor tensor, std::int64_t head, std::int64_t token,
                                  std::int64_t channel) const {
  if (spec_.pattern != Pattern::scales) return 1;
  const std::int64_t group = channel / spec_.group_size;
  return std::exp2(2 * uniform(word(tensor, head, token, -1 - group)));
}

bool RecordedValues::is_constant(std::int64_t token, std::int64_t channel) const {
  return spec_.pattern == Pattern::constant && (token + channel / spec_.group_size) % 3 == 0;
}

// A group's first two channels span the codes in steps of 1/4; the others lie halfway.
double RecordedValues::tie(Tensor tensor, std::int64_t head, std::int64_t token,
                           std::int64_t channel) const {
  const bool appended = spec_.operation == Operation::append;
  const int bits = info(appended ? spec_.importance_format : spec_.retained_format).bits;
  const std::int64_t levels = (std::int64_t{1} << (bits >= 1 && bits <= 8 ? bits : 2)) - 1;
  const std::int64_t place = channel % spec_.group_size;
  if (place < 2) return place == 0 ? -1 : -1 + 0.25 * static_cast<double>(levels);
  const auto step = static_cast<std::int64_t>(word(tensor, head, token, channel) %
                                              static_cast<std::uint64_t>(levels));
  return -1 + 0.25 * (static_cast<double>(step) + 0.5);
}

double RecordedValues::large(Tensor tensor, std::int64_t head, std::int64_t token,
                             std::int64_t channel) const {
  const double largest = spec_.element == ElementType::f32 ? 500000 : 30000;
  return largest * uniform(word(tensor, head, token, channel));
}

double RecordedValues::query(std::int64_t head, std::int64_t token, std::int64_t channel) const {
  const double x = normal(Tensor::q, head, token, channel);
  if (spec_.pattern == Pattern::large) return x * 0x1p-13;  // logits of order 1
  if (spec_.pattern == Pattern::ties) return x / 4;
  if (spec_.pattern == Pattern::sink && channel == 0) return kSink;
  return x;
}

double RecordedValues::key(std::int64_t head, std::int64_t token, std::int64_t channel) const {
  const double x = normal(Tensor::k, head, token, channel);
  switch (spec_.pattern) {
    case Pattern::ties:
      return tie(Tensor::k, head, token, channel);
    case Pattern::large:
      return large(Tensor::k, head, token, channel);
    case Pattern::outliers:
      return channel % spec_.group_size == 3 ? 24 * x : x;
    case Pattern::sink:
      if (channel > 0) break;
      return token == 0 ? kSink * std::sqrt(static_cast<double>(spec_.shape.head_dim)) : 0;
    case Pattern::peaked: {
      const std::int64_t first_query_head = head * (spec_.shape.query_heads / spec_.shape.kv_heads);
      return token == tokens_ / 3 ? 4 * query(first_query_head, tokens_ - 1, channel) : x / 4;
    }
    default:
      break;
  }
  if (is_constant(token, channel)) return normal(Tensor::k, head, token, -1);
  const bool outlier = channel % 37 == 5;
  return row_factor(Tensor::k, head, token, channel) * (outlier ? 8 * x : x);
}

double RecordedValues::value(std::int64_t head, std::int64_t token, std::int64_t channel) const {
  const double x = normal(Tensor::v, head, token, channel);
  switch (spec_.pattern) {
    case Pattern::ties:
      return tie(Tensor::v, head, token, channel);
    case Pattern::large:
      return large(Tensor::v, head, token, channel);
    case Pattern::outliers:
      return channel % spec_.group_size == 5 ? 64 * x : x;
    case Pattern::subnormal:
      return std::rint(20 * x) * 0x1p-24;
    default:
      break;
  }
  if (is_constant(token, channel)) return normal(Tensor::v, head, token, -1);
  return row_factor(Tensor::v, head, token, channel) * x;
}

}  // namespace mikv::kernel_test
