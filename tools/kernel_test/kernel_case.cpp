// SPDX-License-Identifier: Apache-2.0
#include "tools/kernel_test/kernel_case.h"

#include "core/error.h"
#include "tools/kernel_test/append_case.h"
#include "tools/kernel_test/compress_case.h"
#include "tools/kernel_test/decode_case.h"
#include "tools/kernel_test/demote_case.h"
#include "tools/kernel_test/dequantize_case.h"

namespace mikv::kernel_test {

std::vector<CaseArray*> KernelCase::arrays() {
  std::vector<CaseArray*> present = all_arrays();
  std::erase_if(present, [](const CaseArray* array) { return !array->present(); });
  return present;
}

std::unique_ptr<KernelCase> make_case(const CaseSpec& spec) {
  switch (spec.operation) {
    case Operation::compress:
      return make_compress_case(spec);
    case Operation::append:
      return make_append_case(spec);
    case Operation::demote:
      return make_demote_case(spec);
    case Operation::decode:
      return make_decode_case(spec);
    case Operation::dequantize:
      return make_dequantize_case(spec);
  }
  throw InternalError("an operation without cases");
}

}  // namespace mikv::kernel_test
