// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace mikv::tools {

/// Freed memory stays with the program: panels of megabytes come and go with each KV head and batch
/// of steps, and fetching their pages anew took 2 % of a replay. Does nothing without glibc.
void keep_freed_memory();

}  // namespace mikv::tools
