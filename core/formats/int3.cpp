// SPDX-License-Identifier: Apache-2.0
// 3-bit codes with a real minimum a group (the paper, eq. 1); 8 codes take 3 bytes.
#include "core/storage_format.h"

namespace mikv::formats {

const StorageFormatInfo int3{.bits = 3, .quantized = true, .retained_tier = true};

}  // namespace mikv::formats
