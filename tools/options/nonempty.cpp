// SPDX-License-Identifier: Apache-2.0
#include "tools/options/nonempty.h"

#include "core/error.h"

namespace mikv::tools {

void refuse_empty_values(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    if (option->get_expected_min() == 0) continue;  // a switch
    const std::string name = option->get_name();
    // As a transformation it runs before the checks, which would call "" out of range.
    option->transform([name](std::string value) {
      if (value.empty()) throw UsageError(name, "is empty", "give a value");
      return value;
    });
  }
  for (CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    refuse_empty_values(*command);
  }
}

}  // namespace mikv::tools
