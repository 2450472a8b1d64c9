// SPDX-License-Identifier: Apache-2.0
#include "reference/token_store.h"

#include <algorithm>
#include <vector>

#include "reference/packing.h"
#include "reference/quantizer.h"

namespace mikv::reference {
TokenStore::TokenStore(const LayerView& layer, std::int64_t kv_head, const LayerConfig& config,
                       MemoryLedger& ledger, std::pmr::memory_resource& resource,
                       StageObserver* observer, const Operations& operations)
    : layer_(layer),
      kv_head_(kv_head),
      ledger_(ledger),
      observer_(observer),
      operations_(operations),
      importance_(Tier::importance, config.importance_format, layer.shape.head_dim,
                  config.group_size, ledger, resource),
      retained_(Tier::retained, config.retained_format, layer.shape.head_dim, config.group_size,
                ledger, resource),
      balancer_(&resource) {}

void TokenStore::set_balancer(const Row& balancer) {
  balancer_.assign(balancer.begin(), balancer.end());
  ledger_.add(ByteCategory::balancer, balancer.size() * static_cast<std::int64_t>(sizeof(float)));
}

std::int64_t TokenStore::append(Tier tier, std::int64_t position) {
  TierStorage& storage = tier == Tier::importance ? importance_ : retained_;
  const std::int64_t slot = storage.take_slot(position);
  if (info(storage.format()).quantized) {
    const Row key = recorded_row(layer_.k, position);
    const Row value = recorded_row(layer_.v, position);
    store_quantized(storage, slot, balanced(key, position), value);
  } else {
    store_recorded(storage, slot, position);
  }
  return slot;
}

std::optional<std::int64_t> TokenStore::demote(std::int64_t slot) {
  const std::int64_t position = importance_.position(slot);
  std::optional<std::int64_t> to;
  if (info(retained_.format()).quantized) {
    to = retained_.take_slot(position);
    if (info(importance_.format()).quantized) {
      // The exact value is gone; what is stored is balanced already and is requantized as it is
      // (R9a).
      store_quantized(retained_, *to,
                      stored_row(importance_.key(slot), importance_.key_groups(slot)),
                      stored_row(importance_.value(slot), importance_.value_groups(slot)));
    } else {
      const ElementType element = *info(importance_.format()).element;
      const std::int64_t head_dim = layer_.shape.head_dim;
      const Row key = operations_.load_row(importance_.key(slot).data(), element, head_dim);
      const Row value = operations_.load_row(importance_.value(slot).data(), element, head_dim);
      store_quantized(retained_, *to, balanced(key, position), value);
    }
  }
  importance_.free_slot(slot);
  return to;
}

Site TokenStore::site(std::int64_t position) const {
  return {layer_.layer, "KV head", kv_head_, position};
}

Row TokenStore::recorded_row(const TensorView& tensor, std::int64_t position) const {
  return operations_.load_row(tensor.row(kv_head_, position), tensor.type, tensor.head_dim);
}

Row TokenStore::balanced(const Row& key, std::int64_t position) const {
  if (balancer_.empty()) return key;
  Row product = key * balancer();
  if (!product.isFinite().all()) site(position).refuse("has a balanced key that is not finite");
  return product;
}

void TokenStore::store_recorded(TierStorage& tier, std::int64_t slot, std::int64_t position) {
  const auto bytes = static_cast<std::size_t>(layer_.k.row_bytes());
  std::copy_n(layer_.k.row(kv_head_, position), bytes, tier.key(slot).begin());
  std::copy_n(layer_.v.row(kv_head_, position), bytes, tier.value(slot).begin());
}

void TokenStore::store_quantized(TierStorage& tier, std::int64_t slot, const Row& key,
                                 const Row& value) {
  const int bits = info(tier.format()).bits;
  saturated_groups_ +=
      operations_.quantize_packed(key, bits, tier.key(slot), tier.key_groups(slot));
  saturated_groups_ +=
      operations_.quantize_packed(value, bits, tier.value(slot), tier.value_groups(slot));
  if (observer_ != nullptr) observe(tier, slot);
}

Row TokenStore::stored_row(std::span<const std::byte> payload,
                           std::span<const GroupParams> groups) const {
  std::vector<std::uint8_t> codes(static_cast<std::size_t>(layer_.shape.head_dim));
  unpack(payload, info(importance_.format()).bits, codes);
  return dequantize(codes, groups);
}

void TokenStore::observe(const TierStorage& tier, std::int64_t slot) const {
  std::vector<std::uint16_t> alpha;
  std::vector<std::uint16_t> beta;
  for (const auto groups : {tier.key_groups(slot), tier.value_groups(slot)}) {
    for (const GroupParams& group : groups) {
      alpha.push_back(group.alpha);
      beta.push_back(group.beta);
    }
  }
  observer_->observe(Stage::alpha, std::as_bytes(std::span(alpha)));
  observer_->observe(Stage::beta, std::as_bytes(std::span(beta)));
  observer_->observe(Stage::codes, tier.key(slot));
  observer_->observe(Stage::codes, tier.value(slot));
}

}  // namespace mikv::reference
