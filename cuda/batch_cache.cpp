// SPDX-License-Identifier: Apache-2.0
#include "cuda/batch_cache.h"

#include <algorithm>
#include <array>
#include <string>

#include "core/constants.h"
#include "core/error.h"
#include "cuda/attend.h"
#include "cuda/balancer.h"
#include "cuda/compress.h"
#include "cuda/device_memory.h"
#include "cuda/device_sequence.h"
#include "cuda/interleave.h"
#include "cuda/launch.h"
#include "cuda/prefill_scores.h"
#include "cuda/refusal.h"
#include "cuda/selection.h"
#include "cuda/store_pages.h"

namespace mikv::cuda {
namespace {

// log2(e), CONTRACT R13
constexpr double kLog2E = 0x1.71547652b82fep+0;

TierStorage describe_tier(StorageFormat format, const LayerConfig& config, std::int64_t head_dim) {
  const PageLayout layout(format, Tier::retained, head_dim, config.group_size);
  return {.pages = nullptr,
          .payload_bytes = layout.payload_bytes,
          .groups_bytes = layout.scale_bytes() / 2,
          .bits = info(format).bits,
          .quantized = info(format).quantized,
          .stores = info(format).bits > 0,
          .interleaved = info(format).quantized &&
                         can_interleave(static_cast<int>(head_dim),
                                        static_cast<int>(config.group_size), info(format).bits),
          .element = info(format).element.value_or(ElementType::f16)};
}

Batch describe_batch(std::span<const LayerView> layers, const LayerConfig& config) {
  const LayerView& layer = layers.front();
  const auto head_dim = layer.shape.head_dim;
  const auto policy = info(config.policy).make({.layer = layer.layer});
  Batch batch{};
  batch.sequences = static_cast<int>(layers.size());
  batch.kv_heads = static_cast<int>(layer.shape.kv_heads);
  batch.group_ratio = static_cast<int>(layer.shape.group_ratio());
  batch.head_dim = static_cast<int>(head_dim);
  batch.group_size = static_cast<int>(config.group_size);
  batch.groups = batch.head_dim / batch.group_size;
  batch.element = layer.k.type;
  batch.balanced = config.balancer;
  batch.logs = true;
  batch.counts_decode_rows = policy->counts_decode_rows();
  batch.keeps_scores = config.policy == Policy::oracle;
  batch.logit_scale = static_cast<float>(layer.softmax_scale * kLog2E);
  batch.policy = config.policy;
  batch.seed = config.seed;
  batch.layer = layer.layer;
  batch.importance = describe_tier(config.importance_format, config, head_dim);
  batch.retained = describe_tier(config.retained_format, config, head_dim);
  return batch;
}

void require_supported(std::span<const LayerView> layers, const LayerConfig& config) {
  const AttentionShape& shape = layers.front().shape;
  constexpr std::int64_t kMaxHeads = std::int64_t{1} << kRefusalHeadBits;
  if (config.policy > Policy::oracle) {
    throw UsageError("--policy", std::string(name(config.policy)) + " has no rank on the device",
                     "add one to cuda/rank.cuh, or use --backend cpu");
  }
  if (shape.head_dim > kMaxHeadDim) {
    throw UsageError("--backend",
                     "the device back end takes head_dim up to 256, the trace has " +
                         std::to_string(shape.head_dim),
                     "use --backend cpu");
  }
  if (shape.query_heads > kMaxHeads) {
    throw UsageError("--backend", "the device back end takes up to 8192 query heads",
                     "use --backend cpu");
  }
  for (const LayerView& layer : layers) {
    if (layer.tokens() < kMaxTokens) continue;
    throw UsageError("--backend", "the device back end takes sequences under 2^24 tokens",
                     "use --backend cpu");
  }
}

}  // namespace

Queue::Queue() {
  check(cudaStreamCreateWithFlags(&queue_, cudaStreamNonBlocking), "creating a stream");
}

Queue::~Queue() {
  cudaStreamDestroy(queue_);
}

BatchCache::BatchCache(std::span<const LayerView> layers, const LayerConfig& config,
                       const Queue& queue, bool logs)
    : config_(config), batch_(describe_batch(layers, config)), queue_(queue) {
  require_supported(layers, config);
  batch_.logs = logs;
  for (const LayerView& layer : layers) {
    sequences_.push_back(std::make_unique<DeviceSequence>(layer, config, cache_, work_));
  }
  describe_sequences();
  allocate_state();
}

std::int64_t BatchCache::heads() const {
  return std::int64_t{batch_.sequences} * batch_.kv_heads;
}

void BatchCache::describe_sequences() {
  std::vector<Sequence> described;
  for (const auto& sequence : sequences_) {
    described.push_back(sequence->describe());
    batch_.max_scores = std::max(batch_.max_scores, sequence->plan().prefill_scores());
    max_prompt_ = std::max(max_prompt_, sequence->layer().prompt_length);
    steps_a_sequence_ = std::max(steps_a_sequence_, sequence->plan().steps().size());
  }
  described_ = DeviceArray<Sequence>(work_, batch_.sequences);
  upload(described_, described, queue_.get());
  batch_.sequence = described_.data();
  upload_steps();
}

void BatchCache::upload_steps() {
  std::vector<Step> steps;
  for (std::size_t i = 0; i < steps_a_sequence_; ++i) {
    for (const auto& sequence : sequences_) {
      steps.push_back(sequence->step(i));
      batch_.row_nodes =
          std::max(batch_.row_nodes, SequencePlan::chunks(steps.back().retained_tokens) +
                                         SequencePlan::chunks(steps.back().importance_tokens));
      batch_.max_importance = std::max(batch_.max_importance, steps.back().importance_tokens);
    }
  }
  steps_ = DeviceArray<Step>(work_, static_cast<std::int64_t>(steps.size()));
  upload(steps_, steps, queue_.get());
}

void BatchCache::allocate_state() {
  const std::int64_t query_heads = heads() * batch_.group_ratio;
  freed_slot_ = DeviceArray<std::int32_t>(work_, heads());
  refusals_ = DeviceArray<std::uint64_t>(work_, heads());
  saturated_ = DeviceArray<std::uint64_t>(work_, heads());
  logits_ = DeviceArray<float>(work_, query_heads * batch_.max_importance);
  row_m_ = DeviceArray<float>(work_, query_heads);
  row_inverse_l_ = DeviceArray<float>(work_, query_heads);
  nodes_ =
      DeviceArray<float>(work_, query_heads * batch_.row_nodes * (kNodeHeader + batch_.head_dim));
  arrivals_ = DeviceArray<std::uint32_t>(work_, heads());
  importance_tables_ = DeviceArray<std::byte* const*>(work_, heads());
  retained_tables_ = DeviceArray<std::byte* const*>(work_, heads());
  fill(freed_slot_, 0xff, queue_.get());
  fill(refusals_, 0xff, queue_.get());
  fill(saturated_, 0, queue_.get());
  fill(arrivals_, 0, queue_.get());
  batch_.freed_slot = freed_slot_.data();
  batch_.refusals = refusals_.data();
  batch_.saturated_groups = saturated_.data();
  batch_.logits = logits_.data();
  batch_.nodes = nodes_.data();
  batch_.arrivals = arrivals_.data();
  batch_.row_m = row_m_.data();
  batch_.row_inverse_l = row_inverse_l_.data();
  batch_.importance.pages = importance_tables_.data();
  batch_.retained.pages = retained_tables_.data();
}

void BatchCache::balance() {
  if (!batch_.balanced) return;
  balancer_ = DeviceArray<float>(cache_, heads() * batch_.head_dim);
  batch_.balancer = balancer_.data();
  for (const auto& sequence : sequences_) sequence->book_balancer();
  const DeviceArray<std::byte> scratch(work_, balancer_scratch_bytes(batch_));
  compute_balancer(batch_, max_prompt_, scratch.data(), queue_.get());
}

void BatchCache::score_prompt() {
  const DeviceArray<std::byte> scratch(work_, prefill_scratch_bytes(batch_, batch_.max_scores));
  for (int i = 0; i < batch_.sequences; ++i) {
    const DeviceSequence& sequence = *sequences_[static_cast<std::size_t>(i)];
    const auto policy = info(config_.policy)
                            .make({.layer = batch_.layer,
                                   .prompt_length = sequence.layer().prompt_length,
                                   .recorded_length = sequence.layer().tokens()});
    add_prefill_scores(batch_, i, policy->scored_rows(), scratch.data(), scratch.bytes(),
                       queue_.get());
  }
  finish_prefill_scores(batch_, queue_.get());
}

void BatchCache::store_prompt() {
  std::int64_t max_importance = 0;
  std::int64_t max_retained = 0;
  for (const auto& sequence : sequences_) {
    sequence->take_prompt();
    max_importance = std::max(max_importance, sequence->plan().prompt_importance());
    max_retained = std::max(max_retained, sequence->plan().prompt_retained());
  }
  upload_tables(Tier::importance);
  upload_tables(Tier::retained);
  const DeviceArray<StoredPosition> order(work_, heads() * max_prompt_);
  select_importance(batch_, order.data(), max_prompt_, queue_.get());
  cuda::store_prompt(batch_, order.data(), max_prompt_, max_importance, max_retained, side_,
                     queue_.get());
  for (const auto& sequence : sequences_) sequence->release_prefill_scores();
}

void BatchCache::upload_tables(Tier tier) {
  std::vector<std::byte* const*> tables;
  for (const auto& sequence : sequences_) {
    const auto of_sequence = sequence->tier(tier).page_tables();
    tables.insert(tables.end(), of_sequence.begin(), of_sequence.end());
  }
  upload(tier == Tier::importance ? importance_tables_ : retained_tables_, tables, queue_.get());
}

const Step* BatchCache::device_steps(std::size_t step) const {
  return steps_.data() + step * sequences_.size();
}

void BatchCache::append(std::size_t step) {
  bool moved = false;
  for (const auto& sequence : sequences_) moved = sequence->take_appended(step) || moved;
  if (moved) upload_tables(Tier::importance);
  cuda::append(batch_, device_steps(step), queue_.get());
}

void BatchCache::attend(std::size_t step) {
  std::int64_t max_retained = 0;
  std::int64_t max_importance = 0;
  for (const auto& sequence : sequences_) {
    const Step of_sequence = sequence->step(step);
    max_retained = std::max(max_retained, of_sequence.retained_tokens);
    max_importance = std::max(max_importance, of_sequence.importance_tokens);
  }
  cuda::attend(batch_, device_steps(step), max_retained, max_importance, side_, queue_.get());
}

void BatchCache::demote(std::size_t step) {
  bool moved = false;
  for (const auto& sequence : sequences_) moved = sequence->take_demoted(step) || moved;
  if (moved) upload_tables(Tier::retained);
  cuda::demote(batch_, device_steps(step), queue_.get());
}

void BatchCache::inject(const Fault& fault) {
  sequences_.front()->inject(fault, queue_.get());
}

LayerRun BatchCache::finish() {
  const std::vector<std::uint64_t> refusals = download(refusals_, queue_.get());
  for (const std::uint64_t refusal : refusals) {
    if (refusal != kNoRefusal) refuse(refusal);
  }
  const std::vector<std::uint64_t> saturated = download(saturated_, queue_.get());
  LayerRun run{.sequences = {}, .allocated_bytes = cache_.held(), .allocated_peak = cache_.peak()};
  const auto kv_heads = static_cast<std::size_t>(batch_.kv_heads);
  for (std::size_t i = 0; i < sequences_.size(); ++i) {
    run.sequences.push_back(
        sequences_[i]->finish(std::span(saturated).subspan(i * kv_heads, kv_heads), queue_.get()));
  }
  return run;
}

void BatchCache::refuse(std::uint64_t word) const {
  const auto take = [&word](int bits) {
    const std::uint64_t field = word & ((std::uint64_t{1} << bits) - 1);
    word >>= bits;
    return std::to_string(field);
  };
  const std::string token = take(kRefusalTokenBits);
  const std::string head = take(kRefusalHeadBits);
  const auto kind = static_cast<RefusalKind>(word & ((1U << kRefusalKindBits) - 1));
  constexpr std::array kWhat{"a balanced key", "a balanced query", "a logit", "an output"};
  throw NumericalError(
      "layer " + std::to_string(batch_.layer) + ", " +
          (kind == RefusalKind::key ? "KV head " : "query head ") + head + ", token " + token,
      std::string("has ") + kWhat.at(static_cast<std::size_t>(kind)) + " that is not finite");
}

}  // namespace mikv::cuda
