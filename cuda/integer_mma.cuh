// SPDX-License-Identifier: Apache-2.0
// The integer tensor core: mma.m16n8k32, unsigned bytes by bytes.
#pragma once

#include <cstdint>

namespace mikv::cuda {

/// acc += A * B, 16 x 32 bytes by 32 x 8; signed: B is.
template <bool kSigned>
__device__ __forceinline__ void multiply(int (&acc)[4], const uint4& a, std::uint32_t mask,
                                         std::uint32_t b0, std::uint32_t b1) {
  if constexpr (kSigned) {
    asm("mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},"
        "{%0,%1,%2,%3};"
        : "+r"(acc[0]), "+r"(acc[1]), "+r"(acc[2]), "+r"(acc[3])
        : "r"(a.x & mask), "r"(a.y & mask), "r"(a.z & mask), "r"(a.w & mask), "r"(b0), "r"(b1));
  } else {
    asm("mma.sync.aligned.m16n8k32.row.col.s32.u8.u8.s32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},"
        "{%0,%1,%2,%3};"
        : "+r"(acc[0]), "+r"(acc[1]), "+r"(acc[2]), "+r"(acc[3])
        : "r"(a.x & mask), "r"(a.y & mask), "r"(a.z & mask), "r"(a.w & mask), "r"(b0), "r"(b1));
  }
}

}  // namespace mikv::cuda
