// SPDX-License-Identifier: Apache-2.0
#include "reference/isa.h"

#include <cstdlib>
#include <string>

#include "core/error.h"

namespace mikv::reference {
namespace {

#if defined(__x86_64__)
bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("f16c");
}

bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512vnni");
}
#endif

Isa from_environment() {
  const std::vector<Isa> isas = available_isas();
  const char* asked = std::getenv("MIKV_ISA");
  return asked == nullptr || *asked == '\0' ? isas.back() : isa_named(asked, isas);
}

}  // namespace

std::string_view name(Isa isa) {
  switch (isa) {
    case Isa::scalar:
      return "scalar";
    case Isa::baseline:
      return "baseline";
    case Isa::avx2:
      return "avx2";
    case Isa::avx512:
      return "avx512";
  }
  return "";
}

std::vector<Isa> available_isas() {
  std::vector<Isa> isas{Isa::scalar, Isa::baseline};
#if defined(__x86_64__)
  if (has_avx2()) isas.push_back(Isa::avx2);
  if (has_avx512()) isas.push_back(Isa::avx512);
#endif
  return isas;
}

Isa isa_named(std::string_view asked, std::span<const Isa> available) {
  std::string names;
  for (const Isa isa : available) {
    if (name(isa) == asked) return isa;
    names.append(names.empty() ? "" : ", ").append(name(isa));
  }
  throw UsageError("MIKV_ISA", "'" + escape(asked) + "' is not available here",
                   "set it to one of " + names + ", or unset it");
}

Isa selected_isa() {
  static const Isa isa = from_environment();
  return isa;
}

}  // namespace mikv::reference
