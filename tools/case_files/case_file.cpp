// SPDX-License-Identifier: Apache-2.0
#include "tools/case_files/case_file.h"

#include <algorithm>

#include "trace/safetensors_dtype.h"

namespace mikv::tools {
namespace {

using kernel_test::ArraySize;
using kernel_test::CaseArray;

template <typename Job>
void for_each_row(const ArraySize& size, const Job& job) {
  for (std::int64_t sequence = 0; sequence < size.sequences; ++sequence) {
    for (std::int64_t head = 0; head < size.heads; ++head) {
      for (std::int64_t row = 0; row < size.rows; ++row) job(sequence, head, row);
    }
  }
}

}  // namespace

trace::TensorSpec tensor_spec(const CaseArray& array, const std::string& prefix) {
  const ArraySize& size = array.size();
  const std::int64_t value_bytes = trace::dtype_bits(array.type()).value_or(8) / 8;
  const auto length = [](std::int64_t n) { return static_cast<std::uint64_t>(n); };
  return {.name = prefix + array.name(),
          .dtype = array.type(),
          .shape = {length(size.sequences), length(size.heads), length(size.rows),
                    length(size.row_bytes / value_bytes)}};
}

std::vector<std::byte> dense_bytes(const CaseArray& array) {
  std::vector<std::byte> bytes;
  for_each_row(array.size(), [&](std::int64_t sequence, std::int64_t head, std::int64_t row) {
    const std::span<const std::byte> values = array.row(sequence, head, row);
    bytes.insert(bytes.end(), values.begin(), values.end());
  });
  return bytes;
}

void set_output_rows(CaseArray& array, std::span<const std::byte> dense) {
  const auto row_bytes = static_cast<std::size_t>(array.size().row_bytes);
  for_each_row(array.size(), [&](std::int64_t sequence, std::int64_t head, std::int64_t row) {
    if (array.is_output(sequence, head, row)) {
      array.set(sequence, head, row, dense.first(row_bytes));
    }
    dense = dense.subspan(row_bytes);
  });
}

void write_case_file(const std::string& path, kernel_test::KernelCase& kernel_case) {
  const std::vector<CaseArray*> arrays = kernel_case.arrays();
  std::vector<trace::TensorSpec> tensors;
  for (const CaseArray* array : arrays) {
    if (kernel_case.is_input(*array)) tensors.push_back(tensor_spec(*array, "in."));
  }
  for (const CaseArray* array : arrays) {
    if (array->is_output()) tensors.push_back(tensor_spec(*array, "expected."));
  }
  trace::SafetensorsWriter writer(path, {}, tensors);
  for (const CaseArray* array : arrays) {
    if (kernel_case.is_input(*array)) writer.write(dense_bytes(*array));
  }
  kernel_case.fill_expected();
  for (const CaseArray* array : arrays) {
    if (array->is_output()) writer.write(dense_bytes(*array));
  }
  writer.commit();
}

}  // namespace mikv::tools
