/* SPDX-License-Identifier: Apache-2.0 */
#include "example.h"

int code_bits(mikv_format format) {
  switch (format) {
    case MIKV_FORMAT_INT8:
      return 8;
    case MIKV_FORMAT_INT4:
      return 4;
    case MIKV_FORMAT_INT3:
      return 3;
    case MIKV_FORMAT_INT2:
      return 2;
    default:
      return 0;
  }
}

/* The lowest code in the lowest bits (FORMAT, "Codes"). */
void pack8(const uint8_t codes[8], int bits, uint8_t* packed) {
  uint64_t word = 0;
  for (int i = 0; i < 8; ++i) word |= (uint64_t)codes[i] << (i * bits);
  for (int i = 0; i < bits; ++i) packed[i] = (uint8_t)(word >> (8 * i));
}

void unpack8(const uint8_t* packed, int bits, uint8_t codes[8]) {
  uint64_t word = 0;
  for (int i = 0; i < bits; ++i) word |= (uint64_t)packed[i] << (8 * i);
  for (int i = 0; i < 8; ++i) codes[i] = (uint8_t)(word >> (i * bits) & ((1u << bits) - 1));
}
