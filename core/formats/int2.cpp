// SPDX-License-Identifier: Apache-2.0
// 2-bit codes with a real minimum a group (the paper, eq. 1).
#include "core/storage_format.h"

namespace mikv::formats {

const StorageFormatInfo int2{.bits = 2, .quantized = true, .retained_tier = true};

}  // namespace mikv::formats
