// SPDX-License-Identifier: Apache-2.0
#include "tools/case_files/verify.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

#include "core/error.h"
#include "tools/case_files/case_file.h"
#include "tools/replay/parallel.h"
#include "trace/mapped_file.h"
#include "trace/safetensors_header.h"

namespace mikv::tools {
namespace {

using kernel_test::CaseArray;
using kernel_test::CaseResult;
using kernel_test::KernelCase;
using kernel_test::Verdict;

// The results of one case.
class ResultFile {
 public:
  explicit ResultFile(const std::string& path)
      : path_(path), file_(path), header_(trace::parse_safetensors_header(file_.bytes(), path)) {}

  /// Whether the tensor is there; then its rows are in the array.
  bool deliver(CaseArray& array) const {
    const auto found = std::ranges::find(header_.tensors, array.name(), &trace::TensorEntry::name);
    if (found == header_.tensors.end()) return false;
    const trace::TensorSpec wanted = tensor_spec(array);
    if (found->dtype != wanted.dtype || found->shape != wanted.shape) {
      throw InputError(
          path_, array.name(), fmt::format("is {} {}", found->dtype, found->shape),
          fmt::format("write {} {}, as the manifest says", wanted.dtype, wanted.shape));
    }
    set_output_rows(array, file_.bytes().subspan(found->begin, found->end - found->begin));
    return true;
  }

 private:
  std::string path_;
  trace::MappedFile file_;
  trace::SafetensorsHeader header_;
};

Verdict not_judged(kernel_test::Status status, const std::string& message) {
  Verdict verdict;
  verdict.status = status;
  verdict.stage = "results";
  verdict.message = message;
  return verdict;
}

// A verdict if something is missing or malformed.
std::optional<Verdict> deliver(KernelCase& kernel_case, const std::filesystem::path& path) {
  const auto missing = [](const std::string& what) {
    return not_judged(kernel_test::Status::failed, what + " was not delivered");
  };
  std::error_code error;
  if (!std::filesystem::exists(path, error) && !error) return missing(path.filename().string());
  try {
    const ResultFile results(path.string());
    for (CaseArray* array : kernel_case.arrays()) {
      if (!array->is_output() || results.deliver(*array)) continue;
      if (kernel_case.is_optional(*array)) continue;
      return missing(path.filename().string() + ": " + array->name());
    }
  } catch (const InputError& malformed) {
    return not_judged(kernel_test::Status::error, malformed.what());
  }
  return std::nullopt;
}

std::unique_ptr<KernelCase> make_case(const ExportedCase& exported) {
  try {
    return kernel_test::make_case(exported.spec);
  } catch (const UsageError& error) {
    throw InputError(kManifestName, exported.file, error.what(), "");
  }
}

Verdict verdict_of(const ExportedCase& exported, const std::string& results,
                   const kernel_test::Rule& rule) {
  const std::unique_ptr<KernelCase> kernel_case = make_case(exported);
  const auto refused = deliver(*kernel_case, std::filesystem::path(results) / exported.file);
  return refused ? *refused : kernel_case->judge(rule);
}

}  // namespace

std::vector<CaseResult> verify_cases(const std::vector<ExportedCase>& cases,
                                     const std::string& results,
                                     const kernel_test::SuiteOptions& options) {
  std::error_code error;
  if (!std::filesystem::is_directory(results, error)) {
    throw InputError(results, "", "is no folder", "give the folder that your program wrote");
  }
  std::vector<CaseResult> all(cases.size());
  parallel_for(static_cast<std::int64_t>(cases.size()), options.threads, [&](std::int64_t i) {
    const auto index = static_cast<std::size_t>(i);
    const ExportedCase& one = cases[index];
    all[index] = {.name = to_string(one.spec),
                  .operation = one.spec.operation,
                  .verdict = verdict_of(one, results, options.rule),
                  .seconds = 0};
  });
  return all;
}

}  // namespace mikv::tools
