// SPDX-License-Identifier: Apache-2.0
// Many configurations over many shapes, small enough to replay them all.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/cache_config.h"
#include "tests/support/recorded_trace.h"

namespace mikv::test {

/// A configuration for the last layer of one of the traces.
struct CacheCase {
  std::size_t trace = 0;
  CacheConfig config;
  std::string text;
};

/// All ratios, formats and policies, each with one of the traces; every trace meets every ratio,
/// format and policy.
class CacheCases {
 public:
  CacheCases();

  [[nodiscard]] const std::vector<CacheCase>& all() const { return cases_; }
  [[nodiscard]] LayerView layer(const CacheCase& one) const {
    return traces_[one.trace]->layer(traces_[one.trace]->reader().layers().back());
  }
  [[nodiscard]] std::int64_t kv_head(const CacheCase& one) const {
    return layer(one).shape.kv_heads - 1;
  }
  [[nodiscard]] LayerConfig config(const CacheCase& one) const {
    const LayerView view = layer(one);
    return resolve(one.config, view.shape, view.k.type, view.layer);
  }

 private:
  void add_trace(const TraceSpec& spec, std::optional<std::int64_t> group_size);
  void add_case(CacheConfig config);

  std::vector<std::unique_ptr<RecordedTrace>> traces_;
  std::vector<std::optional<std::int64_t>> group_sizes_;
  std::vector<CacheCase> cases_;
};

}  // namespace mikv::test
