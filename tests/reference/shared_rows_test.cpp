// SPDX-License-Identifier: Apache-2.0
#include "reference/ground_truth/shared_rows.h"

#include <memory_resource>

#include "reference/ground_truth/head_errors.h"
#include "reference/head_cache.h"
#include "tests/support/catch.h"
#include "tests/support/recorded_trace.h"

namespace mikv::test {
namespace {

using ground_truth::ExactAttention;
using ground_truth::HeadErrors;
using ground_truth::SharedRows;
using ground_truth::StoredRow;

TraceSpec spec() {
  TraceSpec spec;
  spec.head_dim = 32;
  spec.prompt_length = 150;
  spec.decode_length = 40;
  return spec;
}

// Drives a cache and its errors as a replay does.
class Driver {
 public:
  Driver(const LayerView& layer, const CacheConfig& config, ExactAttention& exact,
         SharedRows* shared)
      : layer_(layer),
        cache_(layer, 0, resolve(config, layer.shape, layer.k.type, layer.layer),
               *std::pmr::new_delete_resource(), nullptr),
        errors_(exact, config.formats.retained == StorageFormat::none, shared) {}

  CacheFigures run() {
    const auto prompt = cache_.prefill();
    errors_.set_balancer(
        {cache_.balancer().data(), static_cast<std::size_t>(cache_.balancer().size())});
    for (const reference::StoredToken& token : prompt) show(token);
    while (cache_.tokens_seen() < layer_.tokens()) {
      const reference::StoredToken appended = cache_.append();
      show(appended);
      std::vector<float> outputs;
      for (const reference::Row& row : cache_.attend()) {
        outputs.insert(outputs.end(), row.begin(), row.end());
      }
      errors_.attended(appended.position, outputs);
      const reference::Demotions demotions = cache_.demote();
      for (const reference::StoredToken& token : demotions.retained) show(token);
      for (const std::int64_t position : demotions.dropped) errors_.dropped(position);
    }
    CacheFigures figures;
    errors_.add_to(figures);
    return figures;
  }

 private:
  void show(const reference::StoredToken& token) {
    const reference::TierStorage& tier = cache_.tier(token.tier);
    errors_.stored({.position = token.position,
                    .format = tier.format(),
                    .key = tier.key(token.slot),
                    .value = tier.value(token.slot),
                    .key_groups = tier.key_groups(token.slot),
                    .value_groups = tier.value_groups(token.slot)});
  }

  const LayerView& layer_;
  reference::HeadCache cache_;
  HeadErrors errors_;
};

void check_same(const CacheFigures& a, const CacheFigures& b) {
  const auto same = [](const ErrorSums& x, const ErrorSums& y) {
    CHECK(x.error_squared == y.error_squared);
    CHECK(x.reference_squared == y.reference_squared);
    CHECK(x.count == y.count);
  };
  same(a.key_error, b.key_error);
  same(a.value_error, b.value_error);
  same(a.output_error, b.output_error);
  same(a.kernel_error, b.kernel_error);
  CHECK(a.attention_kl.sum == b.attention_kl.sum);
}

std::vector<CacheConfig> settings() {
  std::vector<CacheConfig> list(6);
  list[1].importance_ratio = 0.4;
  list[2].balancer = false;
  list[3].formats.importance = StorageFormat::int8;  // requantized when they are demoted
  list[4].formats.retained = StorageFormat::none;
  list[5].group_size = 8;
  return list;
}

TEST_CASE("caches that share rows have the errors that each has alone, to the bit") {
  const RecordedTrace trace(spec());
  const LayerView layer = trace.layer();
  const std::int64_t rows = 2 * layer.tokens() * (layer.shape.head_dim + 8) * 8;
  // No room; room for one format's rows, and not for scores; room for some scores; for all.
  const std::int64_t bytes = GENERATE_COPY(std::int64_t{0}, rows, 5 * rows, std::int64_t{1} << 30);
  ExactAttention exact(layer, 0, std::int64_t{1} << 30);
  SharedRows shared(layer, 0, bytes);
  for (const CacheConfig& setting : settings()) {
    ExactAttention own(layer, 0, 0);
    check_same(Driver(layer, setting, exact, &shared).run(),
               Driver(layer, setting, own, nullptr).run());
  }
  CHECK(shared.bytes_left() <= bytes);
  CHECK((shared.bytes_left() < bytes) == (bytes > 0));
}

TEST_CASE("a row is shared by its bytes, not by its position") {
  const RecordedTrace trace(spec());
  const LayerView layer = trace.layer();
  const auto row_bytes = static_cast<std::size_t>(layer.k.row_bytes());
  const std::span<const std::byte> key(layer.k.row(0, 3), row_bytes);
  const std::span<const std::byte> other(layer.k.row(0, 4), row_bytes);
  SharedRows shared(layer, 0, std::int64_t{1} << 30);
  const StoredRow row{.position = 3,
                      .format = StorageFormat::fp16,
                      .key = key,
                      .value = key,
                      .key_groups = {},
                      .value_groups = {}};
  ground_truth::RowVariant* variant = shared.find(row, {});
  REQUIRE(variant != nullptr);
  CHECK(shared.find(row, {}) == variant);
  StoredRow changed = row;
  changed.value = other;
  CHECK(shared.find(changed, {}) == nullptr);
  changed.position = 4;
  CHECK(shared.find(changed, {}) == variant);
  CHECK(variant->errors(3).key.error_squared == 0);
  CHECK(variant->errors(3).value.error_squared > 0);
}

}  // namespace
}  // namespace mikv::test
