// SPDX-License-Identifier: Apache-2.0
// Which instruction set the reference's inner loops use. All give the same bits.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace mikv::reference {

enum class Isa : std::uint8_t {
  scalar,    ///< the readable code, which the others are judged by
  baseline,  ///< plain C++ lanes, as the compiler's target has them
  avx2,      ///< AVX2, FMA and F16C
  avx512,    ///< AVX-512 F, BW, DQ, VL and VNNI
};

[[nodiscard]] std::string_view name(Isa isa);

/// What this build and this processor can run, the preferred one last.
[[nodiscard]] std::vector<Isa> available_isas();

/// The one of this name. Throws UsageError if none of them has it.
[[nodiscard]] Isa isa_named(std::string_view asked, std::span<const Isa> available);

/// The one that the environment variable MIKV_ISA names, else the preferred one; decided once.
/// Throws UsageError if MIKV_ISA names none of available_isas().
[[nodiscard]] Isa selected_isa();

}  // namespace mikv::reference
