// SPDX-License-Identifier: Apache-2.0
#include "tests/trace/trace_file.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include "trace/trace_reader.h"

namespace mikv::test {

void patch_element(const std::string& path, const ElementPosition& position, std::uint32_t bits) {
  const trace::TraceReader reader(path);
  const auto& tensors = reader.index().container.tensors;
  const auto found = std::find_if(tensors.begin(), tensors.end(),
                                  [&](const auto& t) { return t.name == position.tensor; });
  if (found == tensors.end()) throw std::runtime_error("no tensor " + position.tensor);
  const auto tokens = static_cast<std::int64_t>(found->shape.at(1));
  const auto channels = static_cast<std::int64_t>(found->shape.at(2));
  const std::int64_t index =
      (position.head * tokens + position.token) * channels + position.channel;
  const std::int64_t size = element_bytes(reader.index().element);
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(found->begin) + index * size);
  file.write(reinterpret_cast<const char*>(&bits), size);
  if (!file) throw std::runtime_error("cannot patch " + path);
}

std::uint32_t element_bits(const TensorView& tensor, std::int64_t head, std::int64_t token,
                           std::int64_t channel) {
  const std::int64_t size = element_bytes(tensor.type);
  std::uint32_t bits = 0;
  std::memcpy(&bits, tensor.row(head, token) + channel * size, static_cast<std::size_t>(size));
  return bits;
}

}  // namespace mikv::test
