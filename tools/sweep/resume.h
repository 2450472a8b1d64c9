// SPDX-License-Identifier: Apache-2.0
// Cells that an earlier run of the same sweep left in its JSON file.
#pragma once

#include <string>

#include "tools/sweep/sweep.h"

namespace mikv::tools {

/// Takes the cells of a document that 'mikv sweep' wrote; a file that does not exist has none.
/// Throws InputError for a file that is not such a document, or that holds what this sweep would
/// not: another program's numbers, a trace or a setting that is not in the grid.
void resume(Sweep& sweep, const std::string& path);

}  // namespace mikv::tools
