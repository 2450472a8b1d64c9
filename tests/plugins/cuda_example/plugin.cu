// SPDX-License-Identifier: Apache-2.0
#include "example.cuh"

namespace example {
namespace {

thread_local const char* message = "";

mikv_status fail(mikv_status status, const char* text) {
  message = text;
  return status;
}

mikv_status check_tier(const mikv_shape& shape, const mikv_tier& tier) {
  // Unquantized formats are numbered as the element types are.
  if (tier.format <= MIKV_FORMAT_FP32 && tier.format != shape.element) {
    return fail(MIKV_INVALID_ARGUMENT, "unquantized storage of another element type");
  }
  return MIKV_OK;
}

}  // namespace

const char* last_error() {
  return message;
}

// Faults inside a kernel come to light later, when the caller waits for the stream.
mikv_status launch_status() {
  const cudaError_t error = cudaGetLastError();
  if (error == cudaSuccess) return MIKV_OK;
  const bool no_device = error == cudaErrorNoDevice || error == cudaErrorInsufficientDriver;
  return fail(no_device ? MIKV_NO_DEVICE : MIKV_FAILED, cudaGetErrorString(error));
}

mikv_status check(const mikv_shape& shape, const mikv_tier& tier, const mikv_tier* other_tier) {
  if (shape.head_dim > 1024) return fail(MIKV_UNSUPPORTED, "head_dim is above 1024");
  const mikv_status status = check_tier(shape, tier);
  if (status != MIKV_OK || other_tier == nullptr) return status;
  return check_tier(shape, *other_tier);
}

DeviceNumbers::DeviceNumbers(const std::int64_t* numbers, std::int64_t count, cudaStream_t stream)
    : stream_(stream) {
  const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(std::int64_t);
  void* data = nullptr;
  if (cudaMallocAsync(&data, bytes, stream) != cudaSuccess) return;
  data_ = static_cast<std::int64_t*>(data);
  if (numbers == nullptr) {
    cudaMemsetAsync(data, 0, bytes, stream);
  } else {
    cudaMemcpyAsync(data, numbers, bytes, cudaMemcpyHostToDevice, stream);
  }
}

DeviceNumbers::~DeviceNumbers() {
  if (data_ != nullptr) cudaFreeAsync(data_, stream_);
}

}  // namespace example

// The one symbol that leaves the library. There is no compress: it is reported as not implemented.
const mikv_kernels* mikv_plugin() {
  static const mikv_kernels kernels = {
      sizeof(mikv_kernels), MIKV_ABI_VERSION, "cuda_example",  MIKV_MEMORY_CUDA, 0,
      example::last_error,  nullptr,          example::append, example::demote,  example::decode,
      example::dequantize};
  return &kernels;
}
