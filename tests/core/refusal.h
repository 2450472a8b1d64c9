// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "core/error.h"
#include "tests/support/catch.h"

namespace mikv::test {

/// The line of the UsageError that action throws; nullopt if it throws nothing.
template <typename Action>
std::optional<std::string> refusal(const Action& action) {
  try {
    action();
  } catch (const UsageError& error) {
    CHECK(error.exit_code() == ExitCode::usage);
    return error.what();
  }
  return std::nullopt;
}

}  // namespace mikv::test
