// SPDX-License-Identifier: Apache-2.0
// IEEE binary16, stored as recorded.
#include "core/storage_format.h"

namespace mikv::formats {

const StorageFormatInfo fp16{.bits = 16, .importance_tier = true, .element = ElementType::f16};

}  // namespace mikv::formats
