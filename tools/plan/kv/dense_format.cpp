// SPDX-License-Identifier: Apache-2.0
#include "tools/plan/kv/dense_format.h"

#include <algorithm>
#include <array>

namespace mikv::tools {
namespace {

// A block of elements and its bytes; a vector_scale stands once a vector.
struct Blocks {
  std::string_view name;
  std::int64_t elements;
  std::int64_t payload;
  std::int64_t scales;
  std::int64_t vector_scale;
};

constexpr std::array<Blocks, 15> kBlocks{{
    {"fp32", 1, 4, 0, 0},
    {"fp16", 1, 2, 0, 0},
    {"bf16", 1, 2, 0, 0},
    {"fp8", 1, 1, 0, 0},
    {"fp8_per_token_head", 1, 1, 0, 4},
    {"int8_per_token_head", 1, 1, 0, 4},
    {"int4_per_token_head", 2, 1, 0, 4},
    {"fp8_ds_mla", 576, 512 + 128, 16, 0},
    {"nvfp4", 16, 8, 1, 0},
    {"q8_0", 32, 32, 2, 0},
    {"q5_1", 32, 20, 4, 0},
    {"q5_0", 32, 20, 2, 0},
    {"q4_1", 32, 16, 4, 0},
    {"q4_0", 32, 16, 2, 0},
    {"iq4_nl", 32, 16, 2, 0},
}};

constexpr std::array kFormats{
    DenseFormat::fp32,
    DenseFormat::fp16,
    DenseFormat::bf16,
    DenseFormat::fp8,
    DenseFormat::fp8_per_token_head,
    DenseFormat::int8_per_token_head,
    DenseFormat::int4_per_token_head,
    DenseFormat::fp8_ds_mla,
    DenseFormat::nvfp4,
    DenseFormat::q8_0,
    DenseFormat::q5_1,
    DenseFormat::q5_0,
    DenseFormat::q4_1,
    DenseFormat::q4_0,
    DenseFormat::iq4_nl,
};
static_assert(kFormats.size() == kBlocks.size());

const Blocks& blocks(DenseFormat format) {
  return kBlocks.at(static_cast<std::size_t>(format));
}

}  // namespace

std::string_view name(DenseFormat format) {
  return blocks(format).name;
}

std::optional<DenseFormat> dense_format(std::string_view name) {
  for (const DenseFormat format : kFormats) {
    if (blocks(format).name == name) return format;
  }
  return std::nullopt;
}

std::span<const DenseFormat> dense_formats() {
  return kFormats;
}

DenseFormat dense_format(ElementType type) {
  return *dense_format(element_name(type));
}

std::optional<VectorBytes> vector_bytes(DenseFormat format, std::int64_t elements) {
  const Blocks& block = blocks(format);
  if (elements == 0) return VectorBytes{};
  if (elements % block.elements != 0) return std::nullopt;
  const std::int64_t count = elements / block.elements;
  return VectorBytes{count * block.payload, count * block.scales + block.vector_scale};
}

}  // namespace mikv::tools
