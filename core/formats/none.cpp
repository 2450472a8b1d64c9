// SPDX-License-Identifier: Apache-2.0
// Nothing: a token that leaves the importance tier is dropped (H2O eviction).
#include "core/storage_format.h"

namespace mikv::formats {

const StorageFormatInfo none{.retained_tier = true};

}  // namespace mikv::formats
