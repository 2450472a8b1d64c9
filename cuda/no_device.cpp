// SPDX-License-Identifier: Apache-2.0
// The back end of a build without nvcc: it says so.
#include "core/error.h"
#include "cuda/devices.h"
#include "cuda/layer_run.h"
#include "cuda/staged_memory.h"

namespace mikv::cuda {
namespace {

[[noreturn]] void refuse() {
  throw DeviceError("this build has no CUDA back end",
                    "build where nvcc is found, or use --backend cpu");
}

}  // namespace

bool is_built() {
  return false;
}

CudaVersions versions() {
  return {};
}

int device_count() {
  refuse();
}

Device use_device(int /*index*/) {
  refuse();
}

void set_current(const Device& /*device*/) {
  refuse();
}

LayerRun run_layer(std::span<const LayerView> /*sequences*/, const LayerConfig& /*config*/,
                   const std::optional<Fault>& /*fault*/) {
  refuse();
}

void run_on_copies(
    std::span<const std::span<std::byte>> /*arrays*/,
    const std::function<void(const std::vector<std::byte*>&, void* stream)>& /*work*/) {
  refuse();
}

}  // namespace mikv::cuda
