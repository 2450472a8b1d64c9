// SPDX-License-Identifier: Apache-2.0
#include "cuda/device_sequence.h"

namespace mikv::cuda {
namespace {

constexpr std::int64_t kStreamAlignment = 16;

PageLayout tier_layout(Tier tier, StorageFormat format, const LayerView& layer,
                       const LayerConfig& config) {
  return {format, tier, layer.shape.head_dim, config.group_size};
}

DeviceArray<std::byte> upload_tensor(const TensorView& tensor, DeviceMemory& work) {
  DeviceArray<std::byte> copy(work, tensor.heads * tensor.tokens * tensor.row_bytes());
  upload(copy.data(), tensor.data, copy.bytes(), work.queue());
  return copy;
}

}  // namespace

DeviceSequence::DeviceSequence(const LayerView& layer, const LayerConfig& config,
                               DeviceMemory& cache, DeviceMemory& work)
    : layer_(layer),
      plan_(layer, config),
      importance_(Tier::importance,
                  tier_layout(Tier::importance, config.importance_format, layer, config),
                  layer.shape.kv_heads, cache, ledger_),
      retained_(Tier::retained, tier_layout(Tier::retained, config.retained_format, layer, config),
                layer.shape.kv_heads, cache, ledger_),
      q_(upload_tensor(layer.q, work)),
      k_(upload_tensor(layer.k, work)),
      v_(upload_tensor(layer.v, work)),
      scores_(cache, layer.shape.kv_heads * plan_.prefill_scores()),
      log_(work, log_bytes()) {
  ledger_.add(ByteCategory::scores, scores_.bytes() / layer.shape.kv_heads);
  fill(scores_, 0, work.queue());
  fill(log_, 0xff, work.queue());  // a value that is not written is not taken for a 0
}

Sequence DeviceSequence::describe() const {
  Sequence out{.q = q_.data(),
               .k = k_.data(),
               .v = v_.data(),
               .tokens = layer_.tokens(),
               .prompt_length = layer_.prompt_length,
               .prompt_importance = plan_.prompt_importance(),
               .prompt_retained = plan_.prompt_retained(),
               .prompt_recent = plan_.prompt_recent(),
               .prefill_scores = plan_.prefill_scores(),
               .scores = scores_.data(),
               .stream = {},
               .stream_stride = {}};
  std::byte* at = log_.data();
  for (const Stage stage : stages()) {
    const auto index = static_cast<std::size_t>(stage);
    out.stream.at(index) = at;
    out.stream_stride.at(index) = stride(stage);
    at += stride(stage) * layer_.shape.kv_heads;
  }
  return out;
}

Step DeviceSequence::step(std::size_t index) const {
  Step out{};
  out.position = -1;
  if (index >= plan_.steps().size()) return out;
  const DecodeStep& step = plan_.steps()[index];
  return {.position = step.position,
          .importance_tokens = step.importance_tokens,
          .retained_tokens = step.retained_tokens,
          .recent_tokens = step.recent_tokens,
          .demotes = step.demotes,
          .begin = step.begin};
}

void DeviceSequence::book_balancer() {
  ledger_.add(ByteCategory::balancer,
              layer_.shape.head_dim * static_cast<std::int64_t>(sizeof(float)));
}

void DeviceSequence::release_prefill_scores() {
  if (plan_.prefill_scores() > layer_.prompt_length) return;
  ledger_.add(ByteCategory::scores, -scores_.bytes() / layer_.shape.kv_heads);
  scores_.release();
}

void DeviceSequence::take_prompt() {
  importance_.reserve_prompt(plan_.prompt_importance());
  importance_.take_slots(plan_.prompt_importance());
  retained_.reserve_prompt(plan_.prompt_retained());
  retained_.take_slots(plan_.prompt_retained());
}

bool DeviceSequence::take_appended(std::size_t index) {
  if (index >= plan_.steps().size()) return false;
  const bool moved = importance_.reserve(plan_.steps()[index].importance_tokens);
  importance_.take_slots(1);
  return moved;
}

bool DeviceSequence::take_demoted(std::size_t index) {
  if (index >= plan_.steps().size() || !plan_.steps()[index].demotes) return false;
  bool moved = false;
  if (plan_.retained_code_bytes() > 0) {
    moved = retained_.reserve(plan_.steps()[index].retained_tokens + 1);
    retained_.take_slots(1);
  }
  importance_.free_slot();
  return moved;
}

void DeviceSequence::inject(const Fault& fault, cudaStream_t queue) const {
  const Sequence described = describe();
  const auto stage = static_cast<std::size_t>(fault.stage);
  std::byte* at =
      described.stream.at(stage) + fault.kv_head * described.stream_stride.at(stage) + fault.byte;
  std::byte value{};
  download(&value, at, 1, queue);
  value ^= std::byte{fault.mask};
  upload(at, &value, 1, queue);
}

SequenceRun DeviceSequence::finish(std::span<const std::uint64_t> saturated,
                                   cudaStream_t queue) const {
  SequenceRun run{.plan = plan_, .log = download(log_, queue), .heads = {}};
  for (std::int64_t head = 0; head < layer_.shape.kv_heads; ++head) {
    run.heads.push_back(
        {.bytes = ledger_,
         .importance_tokens = importance_.tokens(),
         .retained_tokens = retained_.tokens(),
         .saturated_groups = static_cast<std::int64_t>(saturated[static_cast<std::size_t>(head)]),
         .streams = streams(run.log, head)});
  }
  return run;
}

std::int64_t DeviceSequence::stride(Stage stage) const {
  return (plan_.stream_bytes(stage) + kStreamAlignment - 1) / kStreamAlignment * kStreamAlignment;
}

std::int64_t DeviceSequence::log_bytes() const {
  std::int64_t bytes = 0;
  for (const Stage stage : stages()) bytes += stride(stage) * layer_.shape.kv_heads;
  return bytes;
}

StageStreams DeviceSequence::streams(std::span<const std::byte> log, std::int64_t head) const {
  StageStreams streams;
  std::int64_t at = 0;
  for (const Stage stage : stages()) {
    streams.at(static_cast<std::size_t>(stage)) =
        log.subspan(static_cast<std::size_t>(at + head * stride(stage)),
                    static_cast<std::size_t>(plan_.stream_bytes(stage)));
    at += stride(stage) * layer_.shape.kv_heads;
  }
  return streams;
}

}  // namespace mikv::cuda
