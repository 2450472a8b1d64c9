// SPDX-License-Identifier: Apache-2.0
#include "tools/plan/bytes.h"

namespace mikv::tools {

PlanBytes& PlanBytes::operator+=(const PlanBytes& other) {
  payload += other.payload;
  scales += other.scales;
  indexer += other.indexer;
  recurrent += other.recurrent;
  positions += other.positions;
  scores += other.scores;
  balancer += other.balancer;
  slack += other.slack;
  padding += other.padding;
  return *this;
}

PlanBytes PlanBytes::operator*(std::int64_t times) const {
  return {.payload = payload * times,
          .scales = scales * times,
          .indexer = indexer * times,
          .recurrent = recurrent * times,
          .positions = positions * times,
          .scores = scores * times,
          .balancer = balancer * times,
          .slack = slack * times,
          .padding = padding * times};
}

PlanBytes plan_bytes(const MemoryLedger& ledger) {
  const std::int64_t scales = ledger.current(ByteCategory::scales);
  return {.payload = ledger.paper() - scales,
          .scales = scales,
          .positions = ledger.current(ByteCategory::positions),
          .scores = ledger.current(ByteCategory::scores),
          .balancer = ledger.current(ByteCategory::balancer),
          .slack = ledger.current(ByteCategory::slack)};
}

}  // namespace mikv::tools
