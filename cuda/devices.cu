// SPDX-License-Identifier: Apache-2.0
#include "cuda/devices.h"

#include <array>

#include "core/error.h"
#include "cuda/arith.cuh"
#include "cuda/launch.h"

namespace mikv::cuda {
namespace {

constexpr int kProbes = 12;

// Each probe's inputs come from memory, so that nothing is computed by the compiler.
__global__ void probe(const float* x, std::uint32_t* bits) {
  const float results[kProbes] = {
      add(mul(x[0], x[0]), x[1]),  // unfused: (1 + 2^-12)^2 - (1 + 2^-11) is 0, fused 2^-24
      fma(x[0], x[0], x[1]),
      mul(x[2], x[3]),  // a subnormal result
      add(x[4], x[4]),  // subnormal operands
      div(x[5], x[6]),
      square_root(x[7]),
      add(x[8], x[9]),  // a tie, to even
      exp2(x[10]),
      exp2(x[11]),
      from_half(to_half(x[12])),  // a tie between halves
      round_to_integer(x[13]),    // halves to even
      canonical(x[14]),
  };
  for (int i = 0; i < kProbes; ++i) bits[i] = __float_as_uint(results[i]);
}

constexpr std::array<float, 15> kInputs{
    0x1.001p+0F, -0x1.002p+0F, 0x1p-100F, 0x1.8p-40F, 0x1p-140F, 1.0F, 3.0F,  2.0F,
    0x1p+24F,    1.0F,         -0.5F,     -125.75F,   2049.0F,   2.5F, -0.0F,
};
constexpr std::array<std::uint32_t, kProbes> kExpected{
    0x00000000, 0x33800000, 0x00000300, 0x00000400, 0x3eaaaaab, 0x3fb504f3,
    0x4b800000, 0x3f3504f3, 0x009837f0, 0x45000000, 0x40000000, 0x00000000,
};

void check_arithmetic(const Device& device) {
  float* x = nullptr;
  std::uint32_t* bits = nullptr;
  std::array<std::uint32_t, kProbes> results{};
  check(cudaMalloc(&x, sizeof(kInputs)), "allocating device memory");
  check(cudaMalloc(&bits, sizeof(results)), "allocating device memory");
  check(cudaMemcpy(x, kInputs.data(), sizeof(kInputs), cudaMemcpyHostToDevice), "copying");
  probe<<<1, 1>>>(x, bits);
  const cudaError_t launched = cudaGetLastError();
  if (launched == cudaErrorNoKernelImageForDevice || launched == cudaErrorInvalidDeviceFunction) {
    throw DeviceError("this build has no kernels for " + device.name + ", compute capability " +
                          std::to_string(device.compute_major) + "." +
                          std::to_string(device.compute_minor),
                      "build with -DCMAKE_CUDA_ARCHITECTURES=" +
                          std::to_string(device.compute_major * 10 + device.compute_minor));
  }
  check(launched, "the self-check");
  check(cudaMemcpy(results.data(), bits, sizeof(results), cudaMemcpyDeviceToHost),
        "the self-check");
  check(cudaFree(x), "freeing");
  check(cudaFree(bits), "freeing");
  for (int i = 0; i < kProbes; ++i) {
    if (results[static_cast<std::size_t>(i)] == kExpected[static_cast<std::size_t>(i)]) continue;
    throw DeviceError(device.name + " failed arithmetic self-check " + std::to_string(i) +
                          ": its results could not be compared",
                      "build without --use_fast_math and with --fmad=false");
  }
}

// A cache's memory goes back to the pool, not to the driver: the next layer needs as much.
void keep_freed_memory(int index) {
  cudaMemPool_t pool = nullptr;
  check(cudaDeviceGetDefaultMemPool(&pool, index), "asking for the memory pool");
  std::uint64_t all = UINT64_MAX;
  check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &all),
        "setting up the memory pool");
}

}  // namespace

bool is_built() {
  return true;
}

CudaVersions versions() {
  CudaVersions out;
  if (cudaDriverGetVersion(&out.driver) != cudaSuccess) out.driver = 0;
  if (cudaRuntimeGetVersion(&out.runtime) != cudaSuccess) out.runtime = 0;
  return out;
}

int device_count() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaErrorInsufficientDriver) {
    if (versions().driver == 0) {
      throw DeviceError("no CUDA driver", "install NVIDIA's driver, or use --backend cpu");
    }
    throw DeviceError("the CUDA driver is too old for this build (" +
                          std::to_string(versions().driver / 1000) + ", needed " +
                          std::to_string(versions().runtime / 1000) + ")",
                      "update the driver, or use --backend cpu");
  }
  if (status == cudaErrorNoDevice || (status == cudaSuccess && count == 0)) {
    throw DeviceError("no CUDA device", "see CUDA_VISIBLE_DEVICES, or use --backend cpu");
  }
  check(status, "looking for CUDA devices");
  return count;
}

Device use_device(int index) {
  const int count = device_count();
  if (index < 0 || index >= count) {
    throw DeviceError("there is no device " + std::to_string(index),
                      "use 0 to " + std::to_string(count - 1));
  }
  check(cudaSetDevice(index), "choosing device " + std::to_string(index));
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, index), "asking for the device's properties");
  Device device{.index = index,
                .name = properties.name,
                .compute_major = properties.major,
                .compute_minor = properties.minor,
                .memory_bytes = static_cast<std::int64_t>(properties.totalGlobalMem)};
  check_arithmetic(device);
  keep_freed_memory(index);
  return device;
}

void set_current(const Device& device) {
  check(cudaSetDevice(device.index), "choosing device " + std::to_string(device.index));
}

}  // namespace mikv::cuda
