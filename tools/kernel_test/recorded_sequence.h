// SPDX-License-Identifier: Apache-2.0
// Recorded queries, keys and values of one sequence, made from a seed or of a trace, and the
// reference's caches over them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/cache_config.h"
#include "core/shape.h"
#include "reference/head_cache.h"
#include "tools/kernel_test/case_spec.h"

namespace mikv::kernel_test {

/// The sequences of a case differ in length and in their values; those of a trace all end with the
/// case's last token. Not movable: caches point into it.
class RecordedSequence {
 public:
  RecordedSequence(const CaseSpec& spec, std::int64_t sequence);
  RecordedSequence(const RecordedSequence&) = delete;
  RecordedSequence& operator=(const RecordedSequence&) = delete;

  [[nodiscard]] const LayerView& layer() const { return layer_; }
  [[nodiscard]] const LayerConfig& config() const { return config_; }
  [[nodiscard]] std::int64_t tokens() const { return layer_.tokens(); }

  /// A cache of each KV head, fresh, that has compressed the prompt.
  [[nodiscard]] std::vector<std::unique_ptr<reference::HeadCache>> prefilled() const;
  /// The same after all decode steps but the last.
  [[nodiscard]] std::vector<std::unique_ptr<reference::HeadCache>> before_last_step() const;

 private:
  void generate(const CaseSpec& spec, std::int64_t sequence, std::int64_t tokens);
  void read(const CaseSpec& spec, std::int64_t tokens);

  CaseSpec spec_;
  std::vector<std::byte> q_;
  std::vector<std::byte> k_;
  std::vector<std::byte> v_;
  LayerView layer_;
  LayerConfig config_;
};

/// Tokens of a sequence of the case.
[[nodiscard]] std::int64_t sequence_tokens(const CaseSpec& spec, std::int64_t sequence);

}  // namespace mikv::kernel_test
