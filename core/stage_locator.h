// SPDX-License-Identifier: Apache-2.0
// Which head, token, group and channel a byte of a stage stream belongs to (FORMAT, "Stage
// streams").
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/divergence.h"
#include "core/sequence_plan.h"
#include "core/stage.h"

namespace mikv {

/// Finds coordinates in the streams of one KV head.
class StageLocator {
 public:
  /// importance_set: the stream that names the tokens of each tier. Both outlive the locator.
  StageLocator(const SequencePlan& plan, std::span<const std::byte> importance_set)
      : plan_(plan), importance_set_(importance_set) {}

  /// Coordinates of the value at this byte, of which this bit differs: a byte of codes holds those
  /// of several channels. layer, kv_head, bits and order are left to the caller; query_head counts
  /// within the KV head.
  [[nodiscard]] DivergentValue locate(Stage stage, std::int64_t byte, int bit) const;

 private:
  struct Store;

  void locate_parameter(DivergentValue& value, std::int64_t byte) const;
  void locate_codes(DivergentValue& value, std::int64_t byte, int bit) const;
  void locate_partial(DivergentValue& value, const DecodeStep& step, std::int64_t at) const;
  [[nodiscard]] std::int64_t stored_token(const DecodeStep* step, const Store& store) const;
  [[nodiscard]] std::int64_t position_at(std::int64_t index) const;
  [[nodiscard]] std::int64_t retained_token(std::int64_t index) const;

  const SequencePlan& plan_;
  std::span<const std::byte> importance_set_;
};

}  // namespace mikv
