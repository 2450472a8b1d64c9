// SPDX-License-Identifier: Apache-2.0
#include "tests/support/cache_cases.h"

namespace mikv::test {
namespace {

TraceSpec shape(std::int64_t head_dim, std::int64_t group_ratio, std::int64_t prompt_length,
                std::int64_t decode_length, ElementType element) {
  TraceSpec spec;
  spec.query_heads = 2 * group_ratio;
  spec.head_dim = head_dim;
  spec.prompt_length = prompt_length;
  spec.decode_length = decode_length;
  spec.element = element;
  return spec;
}

using Importance = std::optional<StorageFormat>;

}  // namespace

CacheCases::CacheCases() {
  using enum StorageFormat;
  add_trace(shape(8, 1, 1, 5, ElementType::f16), 8);
  add_trace(shape(16, 4, 40, 9, ElementType::bf16), {});
  add_trace(shape(24, 7, 33, 12, ElementType::f32), 8);
  add_trace(shape(256, 1, 20, 3, ElementType::f16), {});
  add_trace(shape(64, 7, 50, 0, ElementType::bf16), {});
  add_trace(shape(128, 4, 36, 7, ElementType::f32), 16);
  add_trace(shape(16, 1, 262, 8, ElementType::f16), 16);  // two chunks
  CacheConfig config;
  for (const double ratio : {0.0, 0.01, 0.2, 0.5, 1.0}) {
    for (const Importance importance : {Importance{}, Importance{int8}, Importance{int4}}) {
      for (const StorageFormat retained : {int2, int3, int4, none}) {
        for (const Policy policy : policies_in_order()) {
          config.importance_ratio = ratio;
          config.formats = {.importance = importance, .retained = retained};
          config.policy = policy;
          add_case(config);
        }
      }
    }
  }
}

void CacheCases::add_trace(const TraceSpec& spec, std::optional<std::int64_t> group_size) {
  traces_.push_back(std::make_unique<RecordedTrace>(spec));
  group_sizes_.push_back(group_size);
}

// The number of traces is prime to those of ratios, formats and policies: they meet by turns.
void CacheCases::add_case(CacheConfig config) {
  const std::size_t trace = cases_.size() % traces_.size();
  config.group_size = group_sizes_[trace];
  config.balancer = cases_.size() / traces_.size() % 2 == 0;
  config.recent_share = 0.25 * static_cast<double>(cases_.size() % 5);
  cases_.push_back(
      {trace, config,
       "trace " + std::to_string(trace) + ", ratio " + std::to_string(config.importance_ratio) +
           ", " + std::string(importance_format_name(config.formats.importance)) + "/" +
           std::string(name(config.formats.retained)) + ", " + std::string(name(config.policy))});
}

}  // namespace mikv::test
