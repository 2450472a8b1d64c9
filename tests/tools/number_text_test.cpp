// SPDX-License-Identifier: Apache-2.0
#include "tools/report/number_text.h"

#include "tests/support/catch.h"

namespace mikv::test {
namespace {

TEST_CASE("bytes have three digits and a unit of powers of two") {
  CHECK(tools::bytes_text(0) == "0 B");
  CHECK(tools::bytes_text(999) == "999 B");
  CHECK(tools::bytes_text(1000) == "0.98 KiB");
  CHECK(tools::bytes_text(1024) == "1.00 KiB");
  CHECK(tools::bytes_text(10'234) == "9.99 KiB");
  CHECK(tools::bytes_text(10'240) == "10.0 KiB");
  CHECK(tools::bytes_text(102'400) == "100 KiB");
  CHECK(tools::bytes_text(1'023'488) == "0.98 MiB");  // 999.5 KiB
  CHECK(tools::bytes_text(std::int64_t{5} << 40) == "5.00 TiB");
}

TEST_CASE("errors take at most six characters at any size") {
  CHECK(tools::error_text(std::nullopt) == "-");
  CHECK(tools::error_text(0) == "0");
  CHECK(tools::error_text(0.4029) == "0.403");
  CHECK(tools::error_text(0.09996) == "0.100");
  CHECK(tools::error_text(0.0123) == "0.0123");
  CHECK(tools::error_text(0.00017) == "1.7e-4");
  CHECK(tools::error_text(12.34567) == "12.346");
  CHECK(tools::error_text(99999.4) == "99999");
  CHECK(tools::error_text(1.23e7) == "1.2e7");
  CHECK(tools::error_text(1.7e-12) == "1.7e-12");
  for (double x = 1e-9; x < 1e8; x *= 1.37) CHECK(tools::error_text(x).size() <= 6);
}

TEST_CASE("percent of nothing is not a number") {
  CHECK(tools::percent_text(1, 0) == "-");
  CHECK(tools::percent_text(325, 1000) == "32.5");
}

}  // namespace
}  // namespace mikv::test
