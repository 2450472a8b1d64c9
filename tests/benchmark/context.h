// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace mikv::bench {

/// Adds to the report what figures depend on: processor, instruction sets, compiler, commit.
void add_context();

}  // namespace mikv::bench
