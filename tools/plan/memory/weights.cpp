// SPDX-License-Identifier: Apache-2.0
#include "tools/plan/memory/weights.h"

#include <array>
#include <string_view>

#include "core/error.h"

namespace mikv::tools {
namespace {

struct WeightFormat {
  std::string_view name;
  double bits;  // of a parameter, its share of the scales included
  bool quantized;
};

constexpr std::array<WeightFormat, 7> kFormats{{
    {"fp32", 32, false},
    {"bf16", 16, false},
    {"fp16", 16, false},
    {"fp8", 8, true},
    {"int8", 8, true},
    {"nvfp4", 4.5, true},           // an fp8 scale for 16
    {"int4", 4 + 20.0 / 128, true}  // an fp16 scale and a 4-bit zero for 128
}};

constexpr std::int64_t kUnquantizedBytes = 2;

}  // namespace

std::vector<std::string> weight_formats() {
  std::vector<std::string> names;
  names.reserve(kFormats.size());
  for (const WeightFormat& format : kFormats) names.emplace_back(format.name);
  return names;
}

Weights weights_in(const ModelShape& model, const std::string& format) {
  if (!model.parameters) {
    throw UsageError("--weights-bytes",
                     "is missing: how many parameters " + model.name + " has is not known",
                     "give the bytes of its weight files");
  }
  std::string names;
  for (const WeightFormat& known : kFormats) {
    names.append(names.empty() ? "" : ", ").append(known.name);
    if (known.name != format) continue;
    const std::int64_t embedding = model.embeddings.value_or(0);
    const std::int64_t apart = known.quantized ? embedding * (model.tied_embeddings ? 1 : 2) : 0;
    const double quantized = static_cast<double>(*model.parameters - apart) * known.bits / 8;
    const std::int64_t element =
        known.quantized ? kUnquantizedBytes : static_cast<std::int64_t>(known.bits) / 8;
    return {static_cast<std::int64_t>(quantized) + apart * kUnquantizedBytes, embedding * element};
  }
  throw UsageError("--weights-format", "'" + format + "' is no format that it knows",
                   "use " + names);
}

Weights weights_of(const ModelShape& model, std::int64_t bytes) {
  const std::int64_t embedding = model.embeddings.value_or(0) * kUnquantizedBytes;
  return {bytes, embedding < bytes ? embedding : 0};
}

}  // namespace mikv::tools
