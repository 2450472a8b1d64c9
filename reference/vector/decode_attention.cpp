// SPDX-License-Identifier: Apache-2.0
#include "reference/vector/decode_attention.h"

#include "reference/vector/buffer.h"
#include "reference/vector/tier_pass.h"

namespace mikv::reference::vector {
namespace {

// The queries of a KV head as they meet unquantized and quantized keys, [G, head_dim].
class HeadQueries {
 public:
  HeadQueries(const Kernels& kernels, const AttentionInputs& inputs)
      : count_(inputs.layer.shape.group_ratio()),
        size_(count_ * inputs.layer.shape.head_dim),
        scale_(logit_scale(inputs.layer.softmax_scale)),
        values_(size_),
        balanced_(size_) {
    const std::int64_t head_dim = inputs.layer.shape.head_dim;
    for (std::int64_t i = 0; i < count_; ++i) {
      float* query = values_.data() + i * head_dim;
      kernels.widen(inputs.layer.q.row(inputs.first_query_head() + i, inputs.token),
                    inputs.layer.q.type, head_dim, query);
      const Eigen::Map<const Row> row(query, head_dim);
      Eigen::Map<Row> balanced(balanced_.data() + i * head_dim, head_dim);
      if (inputs.balancer.size() > 0) {
        balanced = row / inputs.balancer;
      } else {
        balanced = row;
      }
    }
  }

  [[nodiscard]] Queries values() const { return {values_.data(), count_, scale_}; }
  [[nodiscard]] Queries balanced() const { return {balanced_.data(), count_, scale_}; }
  [[nodiscard]] bool is_balanced_finite(const Kernels& kernels) const {
    return kernels.all_finite(balanced_.data(), size_);
  }

 private:
  std::int64_t count_;
  std::int64_t size_;
  float scale_;
  Buffer<float> values_;
  Buffer<float> balanced_;
};

bool attend_tier(const Kernels& kernels, const TierStorage& tier, const HeadQueries& queries,
                 std::vector<TierAttention>& results) {
  const StorageFormatInfo& format = info(tier.format());
  if (format.quantized) {
    if (!queries.is_balanced_finite(kernels)) return false;
    return attend_quantized_tier(kernels, tier, queries.balanced(), results);
  }
  return !format.element || attend_unquantized_tier(kernels, tier, queries.values(), results);
}

// A tier's partials merged in the contract's tree, or none.
class Root {
 public:
  Root(const Kernels& kernels, const std::vector<std::optional<Partial>>& chunks,
       std::int64_t head_dim)
      : kernels_(kernels),
        head_dim_(head_dim),
        o_(static_cast<std::int64_t>(chunks.size()) * head_dim) {
    for (const std::optional<Partial>& chunk : chunks) {
      std::copy(chunk->o.begin(), chunk->o.end(), o(sums_.size()));
      sums_.push_back({chunk->m, chunk->l});
    }
    for (std::size_t distance = 1; distance < sums_.size(); distance *= 2) {
      for (std::size_t i = 0; i + distance < sums_.size(); i += 2 * distance) {
        kernels_.merge(sums_[i], o(i), sums_[i + distance], o(i + distance), head_dim_);
      }
    }
  }

  [[nodiscard]] bool is_absent() const { return sums_.empty(); }
  [[nodiscard]] const WeightSum& sum() const { return sums_[0]; }
  [[nodiscard]] Eigen::Map<const Row> o() const { return {o_.data(), head_dim_}; }
  void merge(const Root& upper) {
    kernels_.merge(sums_[0], o(0), upper.sums_[0], upper.o_.data(), head_dim_);
  }

 private:
  float* o(std::size_t chunk) { return o_.data() + static_cast<std::int64_t>(chunk) * head_dim_; }

  const Kernels& kernels_;
  std::int64_t head_dim_;
  std::vector<WeightSum> sums_;
  Buffer<float> o_;
};

void finish(const Kernels& kernels, std::int64_t head_dim, HeadAttention& head) {
  Root row(kernels, head.retained.chunks, head_dim);
  Root importance(kernels, head.importance.chunks, head_dim);
  Root& root = row.is_absent() ? importance : row;
  if (!row.is_absent() && !importance.is_absent()) row.merge(importance);
  head.m = root.sum().m;
  head.inverse_l = 1.0F / root.sum().l;
  head.output = root.o() * head.inverse_l;
}

}  // namespace

std::optional<std::vector<HeadAttention>> try_attend_heads(const Kernels& kernels,
                                                           const AttentionInputs& inputs) {
  const HeadQueries queries(kernels, inputs);
  const std::int64_t count = inputs.layer.shape.group_ratio();
  std::vector<TierAttention> retained = make_results(inputs.retained, count);
  std::vector<TierAttention> importance = make_results(inputs.importance, count);
  if (!attend_tier(kernels, inputs.retained, queries, retained)) return std::nullopt;
  if (!attend_tier(kernels, inputs.importance, queries, importance)) return std::nullopt;
  trim_results(inputs.retained, retained);
  trim_results(inputs.importance, importance);

  std::vector<HeadAttention> heads(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < heads.size(); ++i) {
    heads[i].retained = std::move(retained[i]);
    heads[i].importance = std::move(importance[i]);
    finish(kernels, inputs.layer.shape.head_dim, heads[i]);
    const Row& output = heads[i].output;
    if (!kernels.all_finite(output.data(), output.size())) return std::nullopt;
  }
  return heads;
}

}  // namespace mikv::reference::vector
