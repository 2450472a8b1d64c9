// SPDX-License-Identifier: Apache-2.0
// Importance policies: which tokens matter most. A policy decides; it stores nothing and computes
// no attention. Adding one: core/EXTENDING.md.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace mikv {

/// What a policy may know of the sequence it ranks: one layer, one KV head.
struct SequenceInfo {
  std::int64_t layer = 0;
  std::int64_t kv_head = 0;
  std::int64_t prompt_length = 0;    ///< P
  std::int64_t recorded_length = 0;  ///< T, prompt and decode tokens of the trace
  std::uint64_t seed = 0;            ///< for random policies
};

/// Query rows [begin, end) of the recorded sequence.
struct RowRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

/// Ranks the tokens of one layer and KV head (ALGORITHM 3-4 and 7d).
class ImportancePolicy {
 public:
  explicit ImportancePolicy(const SequenceInfo& sequence) : sequence_(sequence) {}
  virtual ~ImportancePolicy() = default;
  ImportancePolicy(const ImportancePolicy&) = delete;
  ImportancePolicy& operator=(const ImportancePolicy&) = delete;

  /// Query rows whose exact softmax weights are summed into the scores when the prefill ends.
  [[nodiscard]] virtual RowRange scored_rows() const { return {0, sequence_.prompt_length}; }

  /// Changes the summed scores (one a position) in place before they are first ranked.
  virtual void finish_scores(std::span<std::uint64_t> /*scores*/) const {}

  /// Whether decode steps add their weights to the scores of the important tokens.
  [[nodiscard]] virtual bool counts_decode_rows() const { return true; }

  /// How many of the newest tokens are important whatever their rank (n_recent); budget is n_hi.
  [[nodiscard]] virtual std::int64_t recent_tokens(std::int64_t budget, double recent_share) const;

  /// Higher is more important; equal ranks fall to the lower position. Integers only.
  /// tokens_seen is S: the positions 0 .. S-1 exist.
  [[nodiscard]] virtual std::uint64_t rank(std::uint64_t score, std::int64_t position,
                                           std::int64_t tokens_seen) const = 0;

 protected:
  [[nodiscard]] const SequenceInfo& sequence() const { return sequence_; }

 private:
  SequenceInfo sequence_;
};

/// A registered policy. Defined in core/policies/<name>.cpp.
struct PolicyInfo {
  std::string_view summary;  ///< one line for --help
  std::unique_ptr<ImportancePolicy> (*make)(const SequenceInfo&) = nullptr;
};

/// One enumerator a line of policy_list.inc.
enum class Policy : std::uint8_t {
#define MIKV_POLICY(name) name,
#include "core/policy_list.inc"
#undef MIKV_POLICY
};

namespace policies {
#define MIKV_POLICY(name) extern const PolicyInfo name;
#include "core/policy_list.inc"
#undef MIKV_POLICY

/// A PolicyInfo::make for a policy class.
template <typename PolicyClass>
std::unique_ptr<ImportancePolicy> make(const SequenceInfo& sequence) {
  return std::make_unique<PolicyClass>(sequence);
}
}  // namespace policies

[[nodiscard]] const PolicyInfo& info(Policy policy);
[[nodiscard]] std::string_view name(Policy policy);
[[nodiscard]] std::optional<Policy> policy(std::string_view name);
[[nodiscard]] std::span<const Policy> policies_in_order();

}  // namespace mikv
