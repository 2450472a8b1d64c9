// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <vector>

#include "core/sequence_plan.h"
#include "core/stage_comparer.h"

namespace mikv::test {

/// Keeps the stage streams of one KV head.
class StageRecorder final : public StageObserver {
 public:
  void observe(Stage stage, std::span<const std::byte> values) override {
    std::vector<std::byte>& stream = streams_.at(static_cast<std::size_t>(stage));
    stream.insert(stream.end(), values.begin(), values.end());
  }

  /// Valid until the next observe().
  [[nodiscard]] StageStreams streams() const {
    StageStreams spans;
    for (std::size_t i = 0; i < kStages; ++i) spans.at(i) = streams_.at(i);
    return spans;
  }
  [[nodiscard]] StreamOffsets sizes() const {
    StreamOffsets sizes{};
    for (std::size_t i = 0; i < kStages; ++i) {
      sizes.at(i) = static_cast<std::int64_t>(streams_.at(i).size());
    }
    return sizes;
  }
  [[nodiscard]] std::vector<std::byte>& stream(Stage stage) {
    return streams_.at(static_cast<std::size_t>(stage));
  }
  [[nodiscard]] const std::vector<std::byte>& stream(Stage stage) const {
    return streams_.at(static_cast<std::size_t>(stage));
  }

 private:
  std::array<std::vector<std::byte>, kStages> streams_;
};

}  // namespace mikv::test
