// SPDX-License-Identifier: Apache-2.0
// A value that is not finite: every instruction set refuses it as the readable code does.
#include <cfloat>
#include <optional>

#include "core/error.h"
#include "reference/head_cache.h"
#include "tests/support/catch.h"
#include "tests/support/fast_isas.h"
#include "tests/support/unaligned_layer.h"

namespace mikv::test {
namespace {

using reference::Isa;

// How the replay of KV head 1 ends.
std::string ending(const LayerView& layer, const CacheConfig& config, Isa isa) {
  try {
    reference::HeadCache cache(layer, 1, resolve(config, layer.shape, layer.k.type, layer.layer),
                               *std::pmr::new_delete_resource(), nullptr,
                               reference::operations(isa));
    cache.prefill();
    while (cache.tokens_seen() < layer.tokens()) {
      cache.append();
      cache.attend();
      cache.demote();
    }
  } catch (const NumericalError& error) {
    return error.what();
  }
  return "ok";
}

struct Fault {
  std::string message;
  UnalignedLayer::Change change;
  bool balancer = true;
  std::optional<StorageFormat> importance = {};
};

// 70 prompt tokens, 4 decode steps; query heads 3, 4 and 5 belong to KV head 1.
std::vector<Fault> faults() {
  const auto at = [](char tensor, std::int64_t head, std::int64_t token, float value) {
    return [=](char t, std::int64_t h, std::int64_t i, std::int64_t, float x) {
      return t == tensor && h == head && i == token ? value : x;
    };
  };
  return {
      {"ok", {}},
      {"layer 5, query head 4, token 66: has a logit that is not finite", at('q', 4, 66, FLT_MAX)},
      {"layer 5, query head 3, token 72: has a logit that is not finite", at('q', 3, 72, FLT_MAX),
       false},
      // channel 0 has a balancer below 1
      {"layer 5, query head 5, token 71: has a balanced query that is not finite",
       [](char t, std::int64_t h, std::int64_t i, std::int64_t c, float x) {
         if (c == 0 && t == 'k') return 1000 * x;
         return c == 0 && t == 'q' && h == 5 && i == 71 ? FLT_MAX : x;
       }},
      // and a balancer above 1
      {"layer 5, KV head 1, token 70: has a balanced key that is not finite",
       [](char t, std::int64_t h, std::int64_t i, std::int64_t c, float x) {
         if (c == 0 && t == 'q') return 1000 * x;
         return c == 0 && t == 'k' && h == 1 && i == 70 ? FLT_MAX : x;
       },
       true, StorageFormat::int8},
      {"layer 5, query head 3, token 70: has an output that is not finite",
       [](char t, std::int64_t, std::int64_t, std::int64_t, float x) {
         return t == 'v' ? FLT_MAX : x / 16;
       }},
  };
}

TEST_CASE("what is not finite is refused with the readable code's words") {
  for (const Fault& fault : faults()) {
    UnalignedLayer layer({6, 2, 40}, 70, 4, ElementType::f32, fault.change);
    CacheConfig config;
    config.balancer = fault.balancer;
    config.formats.importance = fault.importance;
    config.group_size = 8;
    config.importance_ratio = 0.9;  // kept as recorded, most values can add up to infinity
    for (const Isa isa : reference::available_isas()) {
      INFO(text(isa));
      CHECK(ending(layer.view(), config, isa) == fault.message);
    }
  }
}

}  // namespace
}  // namespace mikv::test
