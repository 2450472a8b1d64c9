// SPDX-License-Identifier: Apache-2.0
// bfloat16, stored as recorded.
#include "core/storage_format.h"

namespace mikv::formats {

const StorageFormatInfo bf16{.bits = 16, .importance_tier = true, .element = ElementType::bf16};

}  // namespace mikv::formats
