// SPDX-License-Identifier: Apache-2.0
// 8-bit codes with a real minimum a group (the paper, eq. 1).
#include "core/storage_format.h"

namespace mikv::formats {

const StorageFormatInfo int8{
    .bits = 8, .quantized = true, .importance_tier = true, .retained_tier = true};

}  // namespace mikv::formats
