// SPDX-License-Identifier: Apache-2.0
// Catch2, version 2 or 3.
#pragma once

#if __has_include(<catch2/catch.hpp>)
#include <catch2/catch.hpp>
// Catch2 3's name for it
inline auto ContainsSubstring(const std::string& text) {
  return Catch::Matchers::Contains(text);
}
#else
#include <catch2/catch_all.hpp>
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;
#endif
