// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <vector>

#include "core/stage_hasher.h"
#include "tools/replay/cpu_head.h"

namespace mikv::test {

/// One KV head of a trace, replayed to its end.
struct ReplayedHead {
  CacheFigures figures;
  StageHashes hashes{};
  std::vector<std::vector<float>> outputs;  ///< rows, by decode step and query head

  [[nodiscard]] std::uint64_t hash(Stage stage) const {
    return hashes.at(static_cast<std::size_t>(stage));
  }
};

/// Hashes every stage and keeps the outputs.
class OutputKeeper final : public StageObserver {
 public:
  void observe(Stage stage, std::span<const std::byte> values) override {
    hasher_.observe(stage, values);
    if (stage != Stage::output) return;
    std::vector<float> row(values.size() / sizeof(float));
    std::memcpy(row.data(), values.data(), values.size());
    outputs_.push_back(std::move(row));
  }
  [[nodiscard]] StageHashes hashes() const { return hasher_.hashes(); }
  [[nodiscard]] const std::vector<std::vector<float>>& outputs() const { return outputs_; }

 private:
  StageHasher hasher_;
  std::vector<std::vector<float>> outputs_;
};

inline ReplayedHead replay_head(const LayerView& layer, std::int64_t kv_head,
                                const CacheConfig& config) {
  OutputKeeper keeper;
  ReplayedHead result;
  result.figures = tools::CpuHead(layer, kv_head, 1, 1)
                       .measure(resolve(config, layer.shape, layer.k.type, layer.layer), &keeper);
  result.hashes = keeper.hashes();
  result.outputs = keeper.outputs();
  return result;
}

}  // namespace mikv::test
