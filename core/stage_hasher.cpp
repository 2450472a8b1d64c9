// SPDX-License-Identifier: Apache-2.0
#include "core/stage_hasher.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace mikv {

struct StageHasher::States {
  std::array<XXH3_state_t, kStages> by_stage;
};

StageHasher::StageHasher() : states_(std::make_unique<States>()) {
  for (XXH3_state_t& state : states_->by_stage) XXH3_64bits_reset(&state);
}

StageHasher::~StageHasher() = default;

void StageHasher::observe(Stage stage, std::span<const std::byte> values) {
  XXH3_64bits_update(&states_->by_stage.at(static_cast<std::size_t>(stage)), values.data(),
                     values.size());
}

StageHashes StageHasher::hashes() const {
  StageHashes out{};
  for (std::size_t i = 0; i < kStages; ++i)
    out.at(i) = XXH3_64bits_digest(&states_->by_stage.at(i));
  return out;
}

StageHashes combine(std::span<const StageHashes> parts) {
  StageHashes out{};
  std::vector<std::uint64_t> column(parts.size());
  for (std::size_t stage = 0; stage < kStages; ++stage) {
    for (std::size_t i = 0; i < parts.size(); ++i) column[i] = parts[i].at(stage);
    out.at(stage) = XXH3_64bits(column.data(), column.size() * sizeof(std::uint64_t));
  }
  return out;
}

}  // namespace mikv
