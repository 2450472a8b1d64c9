// SPDX-License-Identifier: Apache-2.0
// Options of 'mikv plan' that would change nothing are refused, not ignored.
#pragma once

#include <string>
#include <vector>

#include "tools/plan/kv/stored_layer.h"

namespace mikv::tools {

/// Throws UsageError for one of these settings of MiKV ("--importance-ratio") that no layer takes:
/// none is kept in MiKV, or those that are say it themselves.
void require_mikv_effect(const std::vector<std::string>& given,
                         const std::vector<StoredLayer>& layers);

/// Throws UsageError for --kv where every layer has a format of its own, or none can be kept so.
void require_kv_effect(const std::string& kv, const std::vector<StoredLayer>& layers);

/// Throws UsageError for --page-size where all layers are in pages of MiKV.
void require_page_effect(const std::vector<StoredLayer>& layers);

}  // namespace mikv::tools
