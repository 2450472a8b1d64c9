/* SPDX-License-Identifier: Apache-2.0 */
#include "example.h"

const mikv_kernels* mikv_plugin(void) {
  static const mikv_kernels kernels = {.struct_size = sizeof kernels,
                                       .abi_version = MIKV_ABI_VERSION,
                                       .name = "cpu_example",
                                       .memory = MIKV_MEMORY_HOST,
                                       .last_error = last_error,
                                       .compress = compress,
                                       .append = append,
                                       .demote = demote,
                                       .decode = decode,
                                       .dequantize = dequantize};
  return &kernels;
}
