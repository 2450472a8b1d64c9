// SPDX-License-Identifier: Apache-2.0
#include "core/page_layout.h"

namespace mikv {

PageLayout::PageLayout(StorageFormat format, Tier tier, std::int64_t head_dim,
                       std::int64_t group_size)
    : payload_bytes(head_dim * info(format).bits / 8),
      groups(info(format).quantized ? head_dim / group_size : 0),
      score_bytes(tier == Tier::importance ? static_cast<std::int64_t>(sizeof(std::uint64_t)) : 0) {
}

}  // namespace mikv
