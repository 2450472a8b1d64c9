// SPDX-License-Identifier: Apache-2.0
#include "tools/kernel_test/decode_model.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>

#include "core/constants.h"
#include "core/page_layout.h"
#include "core/storage_format.h"
#include "tools/kernel_test/element_rounding.h"
#include "tools/kernel_test/stored_row.h"
#include "tools/kernel_test/tier_arrays.h"

namespace mikv::kernel_test {
namespace {

using Row = std::vector<double>;

// A tier's contribution, not normalized.
struct TierSum {
  Row logits;
  double m = -std::numeric_limits<double>::infinity();
  double l = 0;
  Row weights;  // 2^(logit - m)
  Row output;
};

class Model {
 public:
  Model(const mikv_decode_args& args, std::int64_t sequence, std::int64_t query_head,
        DecodeFault fault, std::optional<ElementType> low)
      : args_(args),
        shape_(args.shape),
        sequence_(fault == DecodeFault::first_sequence ? 0 : sequence),
        kv_head_(fault == DecodeFault::head_mapping
                     ? query_head % shape_.kv_heads
                     : query_head / (shape_.query_heads / shape_.kv_heads)),
        fault_(fault),
        low_(low),
        query_(read_elements(shape_, args.queries, sequence, query_head, 0)),
        balancer_(static_cast<std::size_t>(shape_.head_dim), 1) {
    if (args.balancer.data == nullptr) return;
    const std::byte* row = row_address(args.balancer, sequence_, kv_head_, 0);
    for (std::size_t c = 0; c < balancer_.size(); ++c) {
      balancer_[c] = reinterpret_cast<const float*>(row)[c];
    }
  }

  DecodeRow run() {
    const TierSum importance = sum_tier(args_.importance, DecodeFault::importance_tier);
    const TierSum retained = sum_tier(args_.retained, DecodeFault::retained_tier);
    DecodeRow row;
    row.importance_logits = importance.logits;
    row.retained_logits = retained.logits;
    const double m = std::max(importance.m, retained.m);
    const auto factor = [&](const TierSum& sum) { return sum.l == 0 ? 0 : std::exp2(sum.m - m); };
    const double l = importance.l * factor(importance) + retained.l * factor(retained);
    row.log_sum = m + std::log2(l);
    for (const double weight : importance.weights) {
      row.weights.push_back(weight * factor(importance) / l);
    }
    row.largest_weight = 1 / l;
    row.output = fault_ == DecodeFault::tier_average ? average(importance, retained)
                                                     : merge(importance, retained, factor, l);
    for (double& x : row.output) x = rounded(x);
    return row;
  }

 private:
  double rounded(double x) const { return low_ ? round_to(x, *low_) : x; }

  TierSum sum_tier(const mikv_tier& tier, DecodeFault left_out) const {
    TierSum sum;
    sum.output.assign(query_.size(), 0);
    if (fault_ == left_out || format_of(tier.format) == StorageFormat::none) return sum;
    const std::int64_t slots = kept_slots(tier);
    for (std::int64_t slot = 0; slot < slots; ++slot) sum.logits.push_back(logit(tier, slot));
    const std::int64_t newest = fault_ == DecodeFault::last_token ? newest_slot(tier) : -1;
    for (std::int64_t slot = 0; slot < slots; ++slot) {
      if (slot != newest) sum.m = std::max(sum.m, sum.logits[static_cast<std::size_t>(slot)]);
    }
    for (std::int64_t slot = 0; slot < slots; ++slot) {
      const double s = sum.logits[static_cast<std::size_t>(slot)];
      const double weight = slot == newest ? 0 : rounded(std::exp2(s - sum.m));
      sum.weights.push_back(weight);
      sum.l += weight;
      const Row value = read_row(shape_, tier.format, tier.values, tier.value_groups, sequence_,
                                 kv_head_, slot, value_misreading());
      for (std::size_t c = 0; c < value.size(); ++c) sum.output[c] += weight * rounded(value[c]);
    }
    return sum;
  }

  std::int64_t kept_slots(const mikv_tier& tier) const {
    const std::int64_t tokens = tier.tokens[sequence_];
    if (fault_ == DecodeFault::last_chunk && tokens > kChunkSlots) {
      return tokens / kChunkSlots * kChunkSlots;
    }
    return fault_ == DecodeFault::last_row ? std::max<std::int64_t>(tokens - 1, 0) : tokens;
  }

  // A new token takes a slot that a demotion freed; it is always in the importance tier.
  std::int64_t newest_slot(const mikv_tier& tier) const {
    if (&tier != &args_.importance) return -1;
    std::int64_t newest = -1;
    StoredPosition last = 0;
    for (std::int64_t slot = 0; slot < tier.tokens[sequence_]; ++slot) {
      StoredPosition position = 0;
      std::memcpy(&position, row_address(tier.positions, sequence_, kv_head_, slot),
                  sizeof(position));
      if (newest < 0 || position > last) {
        newest = slot;
        last = position;
      }
    }
    return newest;
  }

  // The query meets balanced keys as q / b; plain low precision undoes the balance of the keys.
  double logit(const mikv_tier& tier, std::int64_t slot) const {
    const Row key = read_row(shape_, tier.format, tier.keys, tier.key_groups, sequence_, kv_head_,
                             slot, key_misreading());
    const bool balanced = info(format_of(tier.format)).quantized;
    double dot = 0;
    for (std::size_t c = 0; c < key.size(); ++c) {
      dot += query_[c] * rounded(balanced ? against_query(key[c], balancer_[c]) : key[c]);
    }
    return dot * scale();
  }

  double against_query(double key, double factor) const {
    if (fault_ == DecodeFault::balancer_ignored) return key;
    if (fault_ == DecodeFault::balancer_inverted) return key * factor;
    return key / factor;
  }

  double scale() const {
    if (fault_ == DecodeFault::stale_output) return -std::numbers::log2e * shape_.softmax_scale;
    const double to_base_2 = fault_ == DecodeFault::log2e ? 1 : std::numbers::log2e;
    return to_base_2 * (fault_ == DecodeFault::softmax_scale ? 1 : shape_.softmax_scale);
  }

  Misreading misreading() const {
    return {.parameters_of_first_row = fault_ == DecodeFault::group_params_of_first_row,
            .dense_group_stride = fault_ == DecodeFault::dense_group_stride,
            .dense_row_stride = fault_ == DecodeFault::dense_row_stride,
            .first_group = fault_ == DecodeFault::first_group,
            .high_bits_first = fault_ == DecodeFault::code_order};
  }
  Misreading key_misreading() const {
    Misreading result = misreading();
    result.alpha_is_one = fault_ == DecodeFault::key_alpha;
    result.beta_is_zero = fault_ == DecodeFault::key_beta;
    return result;
  }
  Misreading value_misreading() const {
    Misreading result = misreading();
    result.alpha_is_one = fault_ == DecodeFault::value_alpha;
    result.beta_is_zero = fault_ == DecodeFault::value_beta;
    return result;
  }

  template <typename Factor>
  static Row merge(const TierSum& a, const TierSum& b, const Factor& factor, double l) {
    Row out;
    for (std::size_t c = 0; c < a.output.size(); ++c) {
      out.push_back((a.output[c] * factor(a) + b.output[c] * factor(b)) / l);
    }
    return out;
  }

  static Row average(const TierSum& a, const TierSum& b) {
    const double tiers = (a.l > 0 ? 1 : 0) + (b.l > 0 ? 1 : 0);
    Row out(a.output.size(), 0);
    for (const TierSum* tier : {&a, &b}) {
      if (tier->l == 0) continue;
      for (std::size_t c = 0; c < out.size(); ++c) out[c] += tier->output[c] / tier->l / tiers;
    }
    return out;
  }

  const mikv_decode_args& args_;
  const mikv_shape& shape_;
  std::int64_t sequence_;
  std::int64_t kv_head_;
  DecodeFault fault_;
  std::optional<ElementType> low_;
  Row query_;
  Row balancer_;
};

}  // namespace

const std::vector<DecodeFaultInfo>& decode_faults() {
  using enum DecodeFault;
  static const std::vector<DecodeFaultInfo> all{
      {head_mapping, "head_mapping", "gives query head h the KV head h % kv_heads"},
      {softmax_scale, "softmax_scale", "takes the softmax scale as 1"},
      {log2e, "log2e", "uses exp2 on logits without the factor log2(e)"},
      {balancer_ignored, "balancer_ignored", "does not divide the query by the balancer"},
      {balancer_inverted, "balancer_inverted", "multiplies the query by the balancer"},
      {importance_tier, "importance_tier", "leaves the importance tier out"},
      {retained_tier, "retained_tier", "leaves the retained tier out"},
      {last_token, "last_token", "leaves the newest token out"},
      {last_row, "last_row", "leaves the last row of each tier out"},
      {last_chunk, "last_chunk", "leaves the last, partial chunk of 256 tokens out"},
      {key_alpha, "key_alpha", "takes alpha of the keys as 1"},
      {key_beta, "key_beta", "takes beta of the keys as 0"},
      {value_alpha, "value_alpha", "takes alpha of the values as 1"},
      {value_beta, "value_beta", "takes beta of the values as 0"},
      {group_params_of_first_row, "group_params_of_first_row",
       "uses the first row's alpha and beta for all rows"},
      {dense_group_stride, "dense_group_stride",
       "derives the row stride of alpha and beta from the shape"},
      {dense_row_stride, "dense_row_stride", "derives the row stride of the codes from the shape"},
      {first_group, "first_group", "uses the first group's alpha and beta for all channels"},
      {code_order, "code_order", "takes the first code from a byte's high bits"},
      {tier_average, "tier_average", "averages the tiers' outputs"},
      {stale_output, "stale_output", "returns the outputs of the call before"},
      {first_sequence, "first_sequence", "reads the first sequence's cache for all sequences"}};
  return all;
}

DecodeRow model_decode(const mikv_decode_args& args, std::int64_t sequence, std::int64_t query_head,
                       DecodeFault fault, std::optional<ElementType> low) {
  return Model(args, sequence, query_head, fault, low).run();
}

}  // namespace mikv::kernel_test
