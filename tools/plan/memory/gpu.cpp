// SPDX-License-Identifier: Apache-2.0
#include "tools/plan/memory/gpu.h"

#include <array>
#include <string_view>

#include "core/error.h"

namespace mikv::tools {
namespace {

struct Gpu {
  std::string_view name;
  std::int64_t bytes;
};

constexpr std::array<Gpu, 11> kGpus{{
    {"l4", 25'769'803'776},
    {"a30", 25'769'803'776},
    {"l40s", 48'305'799'168},
    {"a100", 85'899'345'920},
    {"h100", 85'899'345'920},
    {"rtx-pro-6000", 102'641'958'912},
    {"h200", 151'397'597'184},
    {"b200", 193'273'528'320},
    {"gb200", 198'674'743'296},
    {"b300", 288'400'343'040},
    {"gb300", 298'013'687'808},
}};

}  // namespace

std::int64_t gpu_memory(const std::string& name) {
  std::string names;
  for (const Gpu& gpu : kGpus) {
    if (gpu.name == name) return gpu.bytes;
    names.append(names.empty() ? "" : ", ").append(gpu.name);
  }
  throw UsageError("--gpu", "'" + name + "' is no GPU that it knows",
                   "use " + names + ", or --memory 80GiB");
}

std::vector<std::string> gpu_names() {
  std::vector<std::string> names;
  names.reserve(kGpus.size());
  for (const Gpu& gpu : kGpus) names.emplace_back(gpu.name);
  return names;
}

}  // namespace mikv::tools
