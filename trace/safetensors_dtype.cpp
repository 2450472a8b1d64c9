// SPDX-License-Identifier: Apache-2.0
#include "trace/safetensors_dtype.h"

#include <array>

namespace mikv::trace {
namespace {

struct Dtype {
  std::string_view name;
  int bits;
};

constexpr std::array kDtypes{
    Dtype{"BOOL", 8},    Dtype{"F4", 4},          Dtype{"F6_E2M3", 6},     Dtype{"F6_E3M2", 6},
    Dtype{"U8", 8},      Dtype{"I8", 8},          Dtype{"F8_E5M2", 8},     Dtype{"F8_E4M3", 8},
    Dtype{"F8_E8M0", 8}, Dtype{"F8_E4M3FNUZ", 8}, Dtype{"F8_E5M2FNUZ", 8}, Dtype{"I16", 16},
    Dtype{"U16", 16},    Dtype{"F16", 16},        Dtype{"BF16", 16},       Dtype{"I32", 32},
    Dtype{"U32", 32},    Dtype{"F32", 32},        Dtype{"C64", 64},        Dtype{"F64", 64},
    Dtype{"I64", 64},    Dtype{"U64", 64},
};

}  // namespace

std::optional<int> dtype_bits(std::string_view dtype) {
  for (const Dtype& d : kDtypes) {
    if (d.name == dtype) return d.bits;
  }
  return std::nullopt;
}

std::optional<ElementType> element_type(std::string_view dtype) {
  for (const ElementType type : {ElementType::f16, ElementType::bf16, ElementType::f32}) {
    if (dtype_name(type) == dtype) return type;
  }
  return std::nullopt;
}

std::string_view dtype_name(ElementType type) {
  switch (type) {
    case ElementType::f16:
      return "F16";
    case ElementType::bf16:
      return "BF16";
    case ElementType::f32:
      return "F32";
  }
  return "";
}

}  // namespace mikv::trace
