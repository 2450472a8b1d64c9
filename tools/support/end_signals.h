// SPDX-License-Identifier: Apache-2.0
// Signals that end the program leave no half-written file behind.
#pragma once

namespace mikv::tools {

/// From now on SIGINT, SIGTERM, SIGHUP, SIGQUIT and SIGPIPE remove the temporaries of trace/ and
/// then end the process as they would have; one that is ignored stays so. A file that grows beyond
/// the limit (SIGXFSZ) is an error of the write instead.
void clean_up_on_signals();

}  // namespace mikv::tools
