// SPDX-License-Identifier: Apache-2.0
// Any bytes as a trace: refused with one printable line, or accepted with every tensor in the file.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

#include "core/error.h"
#include "trace/trace_reader.h"

namespace mikv::test {
namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void check_view(const trace::TraceIndex& index, std::size_t tensor) {
  const trace::TensorEntry& entry = index.container.tensors.at(tensor);
  require(entry.shape.size() == 3);
  require(entry.shape[0] * entry.shape[1] * entry.shape[2] *
              static_cast<std::uint64_t>(element_bytes(index.element)) ==
          entry.end - entry.begin);
}

void check_accepted(const trace::TraceIndex& index, std::uint64_t file_bytes) {
  std::uint64_t end = index.container.data_begin;
  for (const trace::TensorEntry& tensor : index.container.tensors) {
    require(tensor.begin == end && tensor.end >= tensor.begin);
    end = tensor.end;
  }
  require(end == file_bytes);
  require(!index.layers.empty());
  for (const auto& [layer, tensors] : index.layers) {
    check_view(index, tensors.q);
    check_view(index, tensors.k);
    check_view(index, tensors.v);
    if (tensors.o) check_view(index, *tensors.o);
    static_cast<void>(trace::unsupported_feature(index.header, layer));
  }
}

void index(std::span<const std::byte> file) {
  try {
    check_accepted(trace::index_trace(file, "fuzz"), file.size());
  } catch (const InputError& error) {
    require(escape(error.what()) == error.what());
  }
}

}  // namespace
}  // namespace mikv::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span file(reinterpret_cast<const std::byte*>(data), size);
  mikv::test::index(file);
  // Mutations seldom keep the header's length right: the same bytes once more as a header alone.
  const std::uint64_t length = size;
  std::vector<std::byte> header(sizeof length + size);
  std::memcpy(header.data(), &length, sizeof length);
  std::copy(file.begin(), file.end(), header.begin() + sizeof length);
  mikv::test::index(header);
  return 0;
}
