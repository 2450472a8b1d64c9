// SPDX-License-Identifier: Apache-2.0
#include "trace/safetensors_writer.h"

#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/error.h"
#include "trace/safetensors_dtype.h"

namespace mikv::trace {
namespace {

constexpr std::size_t kHeaderAlignment = 8;

std::uint64_t byte_size(const TensorSpec& tensor) {
  const std::optional<int> element_bits = dtype_bits(tensor.dtype);
  if (!element_bits) throw InternalError("a tensor's dtype is unknown");
  auto bits = static_cast<std::uint64_t>(*element_bits);
  for (const std::uint64_t n : tensor.shape) {
    if (__builtin_mul_overflow(bits, n, &bits)) throw InternalError("a tensor's size overflows");
  }
  if (bits % 8 != 0) throw InternalError("a tensor does not end on a whole byte");
  return bits / 8;
}

}  // namespace

SafetensorsWriter::SafetensorsWriter(const std::string& path,
                                     const std::map<std::string, std::string>& metadata,
                                     const std::vector<TensorSpec>& tensors)
    : file_(path) {
  nlohmann::ordered_json header;
  header["__metadata__"] = metadata;
  for (const TensorSpec& tensor : tensors) {
    const std::uint64_t begin = remaining_;
    if (__builtin_add_overflow(begin, byte_size(tensor), &remaining_)) {
      throw InternalError("the tensors' size overflows");
    }
    if (header.contains(tensor.name)) throw InternalError("two tensors have one name");
    header[tensor.name] = {
        {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {begin, remaining_}}};
  }
  std::string text = header.dump();
  text.resize((text.size() + kHeaderAlignment - 1) / kHeaderAlignment * kHeaderAlignment, ' ');
  const std::uint64_t length = text.size();
  file_.write(std::as_bytes(std::span(&length, 1)));
  file_.write(text);
}

void SafetensorsWriter::write(std::span<const std::byte> bytes) {
  if (bytes.size() > remaining_) throw InternalError("more tensor bytes than specified");
  file_.write(bytes);
  remaining_ -= bytes.size();
}

void SafetensorsWriter::commit() {
  if (remaining_ != 0) throw InternalError("fewer tensor bytes than specified");
  file_.commit();
}

}  // namespace mikv::trace
