// SPDX-License-Identifier: Apache-2.0
#include "tools/support/heap.h"

#include <cstdlib>
#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace mikv::tools {

void keep_freed_memory() {
#ifdef __GLIBC__
  constexpr int kBytes = 64 << 20;
  mallopt(M_MMAP_THRESHOLD, kBytes);
  mallopt(M_TRIM_THRESHOLD, kBytes);
#endif
}

}  // namespace mikv::tools
