// SPDX-License-Identifier: Apache-2.0
#include "tools/support/end_signals.h"

#include <csignal>

#include "trace/temporary_name.h"

namespace mikv::tools {
namespace {

extern "C" void on_end_signal(int signal) {
  trace::remove_temporaries();
  ::raise(signal);  // SA_RESETHAND: now with its default action, when this handler returns
}

}  // namespace

void clean_up_on_signals() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) {
    struct sigaction action{};
    if (::sigaction(signal, nullptr, &action) != 0 || action.sa_handler == SIG_IGN) continue;
    action = {};
    action.sa_handler = on_end_signal;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    ::sigaction(signal, &action, nullptr);
  }
  std::signal(SIGXFSZ, SIG_IGN);
}

}  // namespace mikv::tools
