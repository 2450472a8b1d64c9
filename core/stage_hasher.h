// SPDX-License-Identifier: Apache-2.0
// Hashes what an implementation computes, stage by stage, so that two of them can be compared by 8
// numbers.
#pragma once

#include <memory>
#include <vector>

#include "core/stage.h"

namespace mikv {

/// XXH3-64 over each stage's stream of one layer and KV head.
class StageHasher final : public StageObserver {
 public:
  StageHasher();
  ~StageHasher() override;
  void observe(Stage stage, std::span<const std::byte> values) override;
  [[nodiscard]] StageHashes hashes() const;

 private:
  struct States;
  std::unique_ptr<States> states_;
};

/// XXH3-64 over the parts' hashes, stage by stage, in the order given: KV heads to a layer, layers
/// to a trace.
[[nodiscard]] StageHashes combine(std::span<const StageHashes> parts);

}  // namespace mikv
