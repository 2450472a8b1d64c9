// SPDX-License-Identifier: Apache-2.0
#include "tools/support/nearest_names.h"

#include "tests/support/catch.h"

namespace mikv::test {
namespace {

using Names = std::vector<std::string_view>;

TEST_CASE("the nearest names take the fewest changes, in order, whatever their case") {
  const Names names{"alpha", "beta", "bet", "gamma"};
  CHECK(tools::nearest_names("GAMMA", names, 1) == Names{"gamma"});
  CHECK(tools::nearest_names("bets", names, 2) == Names{"beta", "bet"});  // equal: the first
  CHECK(tools::nearest_names("be", names, 2) == Names{"bet", "beta"});
  CHECK(tools::nearest_names("xgamma", names, 1) == Names{"gamma"});
  CHECK(tools::nearest_names("", names, 9) == Names{"bet", "beta", "alpha", "gamma"});
  CHECK(tools::nearest_names("a", {}, 3).empty());
}

}  // namespace
}  // namespace mikv::test
