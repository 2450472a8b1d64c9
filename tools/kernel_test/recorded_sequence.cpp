// SPDX-License-Identifier: Apache-2.0
#include "tools/kernel_test/recorded_sequence.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "tools/kernel_test/case_trace.h"
#include "tools/kernel_test/element_rounding.h"
#include "tools/kernel_test/recorded_values.h"

namespace mikv::kernel_test {
namespace {

// Not what head_dim suggests: a kernel has to use what it is given.
double softmax_scale(const AttentionShape& shape) {
  return 0.875 / std::sqrt(static_cast<double>(shape.head_dim));
}

// Enough for a demotion or two, and for slots that are used again.
constexpr std::int64_t kMostDecodeSteps = 4;

std::int64_t decode_steps(std::int64_t tokens) {
  return std::clamp<std::int64_t>(tokens / 2, 1, kMostDecodeSteps);
}

template <typename Value>
std::vector<std::byte> elements(const CaseSpec& spec, std::int64_t heads, std::int64_t tokens,
                                const Value& value) {
  std::vector<std::byte> bytes;
  bytes.reserve(
      static_cast<std::size_t>(heads * tokens * spec.shape.head_dim * element_bytes(spec.element)));
  for (std::int64_t head = 0; head < heads; ++head) {
    for (std::int64_t token = 0; token < tokens; ++token) {
      for (std::int64_t channel = 0; channel < spec.shape.head_dim; ++channel) {
        const std::uint32_t bits = to_bits(value(head, token, channel), spec.element);
        const auto* first = reinterpret_cast<const std::byte*>(&bits);
        bytes.insert(bytes.end(), first, first + element_bytes(spec.element));
      }
    }
  }
  return bytes;
}

}  // namespace

std::int64_t sequence_tokens(const CaseSpec& spec, std::int64_t sequence) {
  return std::max<std::int64_t>(2, spec.tokens - sequence * (spec.tokens / 3 + 1));
}

void RecordedSequence::generate(const CaseSpec& spec, std::int64_t sequence, std::int64_t tokens) {
  const RecordedValues values(spec, sequence, tokens);
  const auto generate = [&](std::int64_t heads, auto member) {
    return elements(spec, heads, tokens, [&](std::int64_t h, std::int64_t t, std::int64_t c) {
      return (values.*member)(h, t, c);
    });
  };
  q_ = generate(spec.shape.query_heads, &RecordedValues::query);
  k_ = generate(spec.shape.kv_heads, &RecordedValues::key);
  v_ = generate(spec.shape.kv_heads, &RecordedValues::value);
  layer_.softmax_scale = softmax_scale(spec.shape);
}

void RecordedSequence::read(const CaseSpec& spec, std::int64_t tokens) {
  TraceSlice slice = trace_slice(spec, spec.tokens - tokens, tokens);
  q_ = std::move(slice.q);
  k_ = std::move(slice.k);
  v_ = std::move(slice.v);
  layer_.softmax_scale = slice.softmax_scale;
}

RecordedSequence::RecordedSequence(const CaseSpec& spec, std::int64_t sequence) : spec_(spec) {
  const std::int64_t tokens = sequence_tokens(spec, sequence);
  if (spec.trace.empty()) {
    generate(spec, sequence, tokens);
  } else {
    read(spec, tokens);
  }
  layer_.shape = spec.shape;
  layer_.prompt_length = tokens - decode_steps(tokens);
  const auto view = [&](const std::vector<std::byte>& bytes, std::int64_t heads) {
    return TensorView{bytes.data(), spec.element, heads, tokens, spec.shape.head_dim};
  };
  layer_.q = view(q_, spec.shape.query_heads);
  layer_.k = view(k_, spec.shape.kv_heads);
  layer_.v = view(v_, spec.shape.kv_heads);
  config_ = {.importance_ratio = spec.importance_ratio,
             .importance_format = spec.importance_format,
             .retained_format = spec.retained_format,
             .group_size = spec.group_size,
             .balancer = spec.balancer,
             .policy = Policy::h2o,
             .recent_share = 0.5,
             .seed = 0};
}

std::vector<std::unique_ptr<reference::HeadCache>> RecordedSequence::prefilled() const {
  std::vector<std::unique_ptr<reference::HeadCache>> caches;
  for (std::int64_t head = 0; head < layer_.shape.kv_heads; ++head) {
    caches.push_back(std::make_unique<reference::HeadCache>(
        layer_, head, config_, *std::pmr::new_delete_resource(), nullptr));
    caches.back()->prefill();
  }
  return caches;
}

std::vector<std::unique_ptr<reference::HeadCache>> RecordedSequence::before_last_step() const {
  std::vector<std::unique_ptr<reference::HeadCache>> caches = prefilled();
  for (const auto& cache : caches) {
    while (cache->tokens_seen() < tokens() - 1) {
      cache->append();
      cache->attend();
      cache->demote();
    }
  }
  return caches;
}

}  // namespace mikv::kernel_test
