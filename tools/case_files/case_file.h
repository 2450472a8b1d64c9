// SPDX-License-Identifier: Apache-2.0
// The arrays of a test case as tensors of a file.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tools/kernel_test/case_array.h"
#include "tools/kernel_test/kernel_case.h"
#include "trace/safetensors_writer.h"

namespace mikv::tools {

/// An array as [sequences, heads, rows, values].
[[nodiscard]] trace::TensorSpec tensor_spec(const kernel_test::CaseArray& array,
                                            const std::string& prefix = "");

/// Its rows without gaps.
[[nodiscard]] std::vector<std::byte> dense_bytes(const kernel_test::CaseArray& array);
/// Takes over the rows that are outputs from as many bytes.
void set_output_rows(kernel_test::CaseArray& array, std::span<const std::byte> dense);

/// Writes the tensors in.NAME of all inputs and expected.NAME of all outputs, which the case then
/// holds. Throws InputError if the file cannot be written.
void write_case_file(const std::string& path, kernel_test::KernelCase& kernel_case);

}  // namespace mikv::tools
