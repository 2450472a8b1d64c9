// SPDX-License-Identifier: Apache-2.0
// Prints the stage hashes of a trace in some of the settings of data/golden, or in one of them, one
// hash a line. All that the bits come from and little more, so that it is built quickly with any
// compiler.
#include <cstdio>
#include <memory_resource>
#include <string>
#include <string_view>
#include <vector>

#include "core/cache_config.h"
#include "core/error.h"
#include "core/stage_hasher.h"
#include "reference/fp_environment.h"
#include "reference/head_cache.h"
#include "trace/trace_reader.h"

namespace {

using namespace mikv;

struct Setting {
  const char* name;  // tests/scripts/check_hashes.py
  CacheConfig config;
};

std::vector<Setting> settings() {
  using enum StorageFormat;
  return {
      {"default", {}},
      {"no-balancer", {.balancer = false}},
      {"int8-int4", {.formats = {.importance = int8, .retained = int4}}},
      {"int4-int3", {.formats = {.importance = int4, .retained = int3}}},
      {"rtn-int8", {.importance_ratio = 0, .formats = {.retained = int8}, .balancer = false}},
      {"full", {.importance_ratio = 1}},
      {"half-none", {.importance_ratio = 0.5, .formats = {.retained = none}}},
      {"group-32", {.group_size = 32}},
      {"oracle", {.policy = Policy::oracle}},
  };
}

StageHashes head_hashes(const LayerView& layer, std::int64_t kv_head, const LayerConfig& config) {
  StageHasher hasher;
  reference::HeadCache cache(layer, kv_head, config, *std::pmr::new_delete_resource(), &hasher);
  cache.prefill();
  while (cache.tokens_seen() < layer.tokens()) {
    cache.append();
    cache.attend();
    cache.demote();
  }
  return hasher.hashes();
}

StageHashes trace_hashes(const trace::TraceReader& trace, const CacheConfig& config) {
  std::vector<StageHashes> layers;
  for (const std::int64_t index : trace.layers()) {
    const LayerView layer = trace.layer(index);
    const LayerConfig resolved = resolve(config, layer.shape, layer.k.type, index);
    std::vector<StageHashes> heads;
    for (std::int64_t kv_head = 0; kv_head < layer.shape.kv_heads; ++kv_head) {
      heads.push_back(head_hashes(layer, kv_head, resolved));
    }
    layers.push_back(combine(heads));
  }
  return combine(layers);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2) throw UsageError("TRACE", "is missing", "run stage_hashes TRACE [SETTING]");
  reference::require_fp_environment();
  (void)reference::selected_isa();
  const trace::TraceReader trace(argv[1]);
  for (const Setting& setting : settings()) {
    if (argc > 2 && std::string_view(argv[2]) != setting.name) continue;
    const StageHashes hashes = trace_hashes(trace, setting.config);
    for (std::size_t i = 0; i < kStages; ++i) {
      std::printf("%s %s %016llx\n", setting.name, std::string(name(stages()[i])).c_str(),
                  static_cast<unsigned long long>(hashes.at(i)));
    }
  }
  return 0;
} catch (const mikv::Error& error) {
  std::fprintf(stderr, "stage_hashes: %s\n", error.what());
  return static_cast<int>(error.exit_code());
}
