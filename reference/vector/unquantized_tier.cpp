// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "reference/vector/buffer.h"
#include "reference/vector/prefetch.h"
#include "reference/vector/tier_pass.h"

namespace mikv::reference::vector {
namespace {

constexpr std::int64_t kChunkPages = kChunkSlots / kPageSlots;

class UnquantizedPass {
 public:
  UnquantizedPass(const Kernels& kernels, const TierStorage& tier, const Queries& queries)
      : kernels_(kernels),
        queries_(queries),
        element_(*info(tier.format()).element),
        head_dim_(tier.head_dim()),
        panel_(kPanelTokens * head_dim_),
        logits_(kPanelTokens * queries.count) {}

  bool attend(const Chunk& chunk, std::vector<TierAttention>& results) {
    for (std::int64_t page = 0; page < chunk.pages(); ++page) add_logits(chunk, page, results);
    prefetch(chunk.tier.value(chunk.first_slot()).data(),
             kBlockSlots * chunk.tier.layout().payload_bytes);
    return std::all_of(results.begin(), results.end(), [&](TierAttention& result) {
      return weigh(chunk, result.logits.data() + chunk.first_slot(),
                   *result.chunks[static_cast<std::size_t>(chunk.index)]);
    });
  }

 private:
  void add_logits(const Chunk& chunk, std::int64_t page, std::vector<TierAttention>& results) {
    const std::int64_t slot = chunk.page_slot(page);
    const std::byte* keys = chunk.tier.key(slot).data();
    const std::byte* next = chunk.tier.key(chunk.next_page_slot(page)).data();
    if (queries_.count == 1) {
      kernels_.row_logits(keys, next, element_, head_dim_, queries_.values, queries_.scale,
                          results[0].logits.data() + slot);
      return;
    }
    kernels_.fill_panel(keys, next, element_, head_dim_, panel_.data());
    kernels_.panel_logits(panel_.data(), queries_.values, queries_.count, head_dim_, queries_.scale,
                          logits_.data(), kPanelTokens);
    for (std::size_t i = 0; i < results.size(); ++i) {
      const float* logits = logits_.data() + static_cast<std::int64_t>(i) * kPanelTokens;
      std::copy_n(logits, kPanelTokens, results[i].logits.begin() + slot);
    }
  }

  bool weigh(const Chunk& chunk, float* logits, Partial& partial) const {
    if (!kernels_.all_finite(logits, chunk.tokens())) return false;
    std::array<float, kChunkSlots> p;
    const WeightSum sum = kernels_.chunk_weights(logits, chunk.tokens(), p.data());
    std::array<const std::byte*, kChunkPages> pages{};
    for (std::int64_t page = 0; page < chunk.pages(); ++page) {
      pages[static_cast<std::size_t>(page)] = chunk.tier.value(chunk.page_slot(page)).data();
    }
    partial.m = sum.m;
    partial.l = sum.l;
    kernels_.weigh_rows(p.data(), pages.data(), element_, chunk.tokens(), head_dim_,
                        partial.o.data());
    return true;
  }

  const Kernels& kernels_;
  const Queries& queries_;
  ElementType element_;
  std::int64_t head_dim_;
  Buffer<float> panel_;
  Buffer<float> logits_;
};

}  // namespace

bool attend_unquantized_tier(const Kernels& kernels, const TierStorage& tier,
                             const Queries& queries, std::vector<TierAttention>& results) {
  UnquantizedPass pass(kernels, tier, queries);
  for (std::int64_t chunk = 0; chunk < chunk_count(tier); ++chunk) {
    if (!pass.attend({tier, chunk}, results)) return false;
  }
  return true;
}

}  // namespace mikv::reference::vector
