// SPDX-License-Identifier: Apache-2.0
// IEEE binary32, stored as recorded.
#include "core/storage_format.h"

namespace mikv::formats {

const StorageFormatInfo fp32{.bits = 32, .importance_tier = true, .element = ElementType::f32};

}  // namespace mikv::formats
