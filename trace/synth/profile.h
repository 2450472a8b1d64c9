// SPDX-License-Identifier: Apache-2.0
// What synthetic attention inputs look like: means and noise of every row.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/shape.h"
#include "trace/synth/counter_random.h"

namespace mikv::trace::synth {

/// One head of q, k or v of one layer.
struct HeadId {
  std::uint64_t seed = 0;
  AttentionShape shape;
  std::int64_t layer = 0;
  Purpose tensor = Purpose::q;  ///< q, k or v
  std::int64_t head = 0;        ///< a query head of q, a KV head of k and v
};

/// The rows of one head: element = mean + noise * a normal random number, amounts of kOne.
class HeadModel {
 public:
  HeadModel() = default;
  virtual ~HeadModel() = default;
  HeadModel(const HeadModel&) = delete;
  HeadModel& operator=(const HeadModel&) = delete;

  /// Fills in head_dim means and noises of a token; does not depend on the number of tokens.
  virtual void row(std::int64_t token, std::span<std::int64_t> mean,
                   std::span<std::int64_t> noise) const = 0;
};

/// A kind of synthetic trace.
struct Profile {
  std::string_view name;
  std::unique_ptr<HeadModel> (*make)(const HeadId& head);
};

[[nodiscard]] std::span<const Profile> profiles();

/// The profile of that name. Throws UsageError.
[[nodiscard]] const Profile& find_profile(std::string_view name);

/// "gaussian, llama-like".
[[nodiscard]] std::string profile_names();

std::unique_ptr<HeadModel> make_gaussian(const HeadId& head);
std::unique_ptr<HeadModel> make_llama_like(const HeadId& head);

}  // namespace mikv::trace::synth
