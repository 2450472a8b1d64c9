// SPDX-License-Identifier: Apache-2.0
#include "tools/replay/device_head.h"

#include <algorithm>
#include <span>
#include <vector>

#include "reference/ground_truth/head_errors.h"

namespace mikv::tools {
namespace {

// Takes values off the front of a stream.
template <typename Value>
class Reader {
 public:
  explicit Reader(std::span<const std::byte> stream) : stream_(stream) {}

  [[nodiscard]] std::vector<Value> take(std::int64_t count) {
    std::vector<Value> values(static_cast<std::size_t>(count));
    const std::span<const std::byte> bytes = take_bytes(values.size() * sizeof(Value));
    std::copy(bytes.begin(), bytes.end(), std::as_writable_bytes(std::span(values)).begin());
    return values;
  }
  [[nodiscard]] std::span<const std::byte> take_bytes(std::size_t count) {
    const std::span<const std::byte> front = stream_.first(count);
    stream_ = stream_.subspan(count);
    return front;
  }

 private:
  std::span<const std::byte> stream_;
};

class DeviceHead {
 public:
  DeviceHead(const LayerView& layer, std::int64_t kv_head, const LayerConfig& config,
             const SequencePlan& plan, const StageStreams& streams)
      : layer_(layer),
        kv_head_(kv_head),
        config_(config),
        plan_(plan),
        exact_(layer, kv_head, 0),
        errors_(exact_, info(config.retained_format).bits == 0),
        balancer_(stream(streams, Stage::balancer)),
        alpha_(stream(streams, Stage::alpha)),
        beta_(stream(streams, Stage::beta)),
        codes_(stream(streams, Stage::codes)),
        set_(stream(streams, Stage::importance_set)),
        output_(stream(streams, Stage::output)) {}

  void follow(CacheFigures& figures) {
    follow_prefill();
    for (const DecodeStep& step : plan_.steps()) follow_step(step);
    errors_.add_to(figures);
  }

 private:
  static std::span<const std::byte> stream(const StageStreams& streams, Stage stage) {
    return streams.at(static_cast<std::size_t>(stage));
  }

  void follow_prefill() {
    if (config_.balancer) errors_.set_balancer(balancer_.take(plan_.head_dim()));
    const std::vector<StoredPosition> important = set_.take(plan_.prompt_importance());
    for (const StoredPosition position : important) store(position, config_.importance_format);
    if (plan_.prompt_retained() == 0) return;
    for (std::int64_t position = 0; position < layer_.prompt_length; ++position) {
      if (std::binary_search(important.begin(), important.end(), position)) continue;
      store(position, config_.retained_format);
    }
  }

  void follow_step(const DecodeStep& step) {
    store(step.position, config_.importance_format);
    errors_.attended(step.position, output_.take(plan_.group_ratio() * plan_.head_dim()));
    if (!step.demotes) return;
    const StoredPosition position = set_.take(1).front();
    if (info(config_.retained_format).bits == 0) {
      errors_.dropped(position);
    } else {
      store(position, config_.retained_format);
    }
  }

  void store(std::int64_t position, StorageFormat format) {
    ground_truth::StoredRow row;
    row.position = position;
    row.format = format;
    if (!info(format).quantized) {
      const auto bytes = static_cast<std::size_t>(layer_.k.row_bytes());
      row.key = {layer_.k.row(kv_head_, position), bytes};
      row.value = {layer_.v.row(kv_head_, position), bytes};
      errors_.stored(row);
      return;
    }
    const auto payload = static_cast<std::size_t>(plan_.head_dim() * info(format).bits / 8);
    const std::vector<GroupParams> key_groups = take_groups();
    const std::vector<GroupParams> value_groups = take_groups();
    row.key = codes_.take_bytes(payload);
    row.value = codes_.take_bytes(payload);
    row.key_groups = key_groups;
    row.value_groups = value_groups;
    errors_.stored(row);
  }

  std::vector<GroupParams> take_groups() {
    const std::vector<std::uint16_t> alpha = alpha_.take(plan_.groups());
    const std::vector<std::uint16_t> beta = beta_.take(plan_.groups());
    std::vector<GroupParams> groups;
    groups.reserve(alpha.size());
    for (std::size_t g = 0; g < alpha.size(); ++g) groups.push_back({alpha[g], beta[g]});
    return groups;
  }

  const LayerView& layer_;
  std::int64_t kv_head_;
  const LayerConfig& config_;
  const SequencePlan& plan_;
  ground_truth::ExactAttention exact_;
  ground_truth::HeadErrors errors_;
  Reader<float> balancer_;
  Reader<std::uint16_t> alpha_;
  Reader<std::uint16_t> beta_;
  Reader<std::byte> codes_;
  Reader<StoredPosition> set_;
  Reader<float> output_;
};

}  // namespace

CacheFigures measure_device_head(const LayerView& layer, std::int64_t kv_head,
                                 const LayerConfig& config, const SequencePlan& plan,
                                 const cuda::HeadRun& head) {
  CacheFigures figures;
  figures.importance_tokens = head.importance_tokens;
  figures.retained_tokens = head.retained_tokens;
  figures.bytes = head.bytes;
  figures.full_cache_bytes = 2 * layer.tokens() * layer.k.row_bytes();
  figures.saturated_groups = head.saturated_groups;
  DeviceHead(layer, kv_head, config, plan, head.streams).follow(figures);
  return figures;
}

}  // namespace mikv::tools
