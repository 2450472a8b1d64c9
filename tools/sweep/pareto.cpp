// SPDX-License-Identifier: Apache-2.0
#include "tools/sweep/pareto.h"

#include <algorithm>
#include <utility>

namespace mikv::tools {

std::vector<bool> pareto_front(const std::vector<TradeOff>& points) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (points[i].error) order.push_back(i);
  }
  const auto key = [&](std::size_t i) { return std::pair(points[i].bytes, *points[i].error); };
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
  std::vector<bool> front(points.size(), false);
  std::optional<std::size_t> last;  // of the front, so far
  for (const std::size_t i : order) {
    if (last && key(i) != key(*last) && *points[i].error >= *points[*last].error) continue;
    front[i] = true;
    last = i;
  }
  return front;
}

}  // namespace mikv::tools
