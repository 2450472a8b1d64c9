// SPDX-License-Identifier: Apache-2.0
#include "tools/kernel_test/store_case.h"

#include <fmt/format.h>

#include <algorithm>

#include "reference/packing.h"
#include "reference/quantizer.h"

namespace mikv::kernel_test {
namespace {

QuantizedRow stored(const CaseArray& codes, const CaseArray& groups, const TierArrays& tier,
                    const RowPlace& place) {
  QuantizedRow row;
  row.where = fmt::format("{}, {}", codes.name(), to_string(place));
  row.bits = info(tier.format()).bits;
  row.codes = codes.values<std::byte>(place.sequence, place.head, place.slot);
  row.groups = groups.values<GroupParams>(place.sequence, place.head, place.slot);
  row.untouched = codes.untouched(place.sequence, place.head, place.slot) &&
                  groups.untouched(place.sequence, place.head, place.slot);
  return row;
}

void store(CaseArray& payload, CaseArray& groups, int bits, const RowPlace& place,
           const reference::Row& row) {
  std::vector<std::uint8_t> codes(static_cast<std::size_t>(row.size()));
  std::vector<GroupParams> params(static_cast<std::size_t>(groups.size().row_bytes) /
                                  sizeof(GroupParams));
  reference::quantize(row, bits, codes, params);
  reference::pack(codes, bits, payload.row(place.sequence, place.head, place.slot));
  groups.set_values(place.sequence, place.head, place.slot, params);
}

}  // namespace

std::string to_string(const RowPlace& place) {
  return fmt::format("sequence {}, KV head {}, row {}", place.sequence, place.head, place.slot);
}

void add_rows(QuantizedRows& rows, const TierArrays& tier, const RowPlace& place,
              const StoredToken& token) {
  QuantizedRow key = stored(tier.keys, tier.key_groups, tier, place);
  key.is_key = true;
  key.plain = token.key;
  key.balancer = token.balancer;
  rows.add(std::move(key));
  QuantizedRow value = stored(tier.values, tier.value_groups, tier, place);
  value.plain = token.value;
  value.balancer = token.balancer;
  rows.add(std::move(value));
}

void store_rows(TierArrays& tier, const RowPlace& place, const StoredToken& token) {
  const int bits = info(tier.format()).bits;
  reference::Row key = token.key;
  if (token.balancer.size() > 0) key *= token.balancer;
  store(tier.keys, tier.key_groups, bits, place, key);
  store(tier.values, tier.value_groups, bits, place, token.value);
}

void check_bytes(const CaseArray& array, const RowPlace& place, std::span<const std::byte> expected,
                 Verdict& verdict) {
  const std::span<const std::byte> got = array.row(place.sequence, place.head, place.slot);
  verdict.compared += static_cast<std::int64_t>(expected.size());
  const auto [at, wanted] = std::ranges::mismatch(got, expected);
  if (wanted == expected.end()) return;
  for (std::size_t i = 0; i < expected.size(); ++i) verdict.wrong += got[i] == expected[i] ? 0 : 1;
  const bool untouched = array.untouched(place.sequence, place.head, place.slot);
  fail(verdict, array.name(),
       untouched ? fmt::format("{}, {}: was not written", array.name(), to_string(place))
                 : fmt::format("{}, {}: byte {} is {:#04x} instead of {:#04x}", array.name(),
                               to_string(place), at - got.begin(), std::to_integer<int>(*at),
                               std::to_integer<int>(*wanted)));
  if (untouched) verdict.diagnosis = "unwritten";
}

void fail(Verdict& verdict, const std::string& stage, const std::string& message) {
  if (verdict.status == Status::failed) return;
  verdict.status = Status::failed;
  verdict.stage = stage;
  verdict.message = message;
}

}  // namespace mikv::kernel_test
