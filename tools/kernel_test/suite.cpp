// SPDX-License-Identifier: Apache-2.0
#include "tools/kernel_test/suite.h"

#include <fmt/format.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <new>

#include "core/error.h"
#include "cuda/devices.h"
#include "cuda/staged_memory.h"
#include "tools/kernel_test/child_process.h"
#include "tools/kernel_test/guarded_memory.h"
#include "tools/kernel_test/kernel_case.h"
#include "tools/kernel_test/shared_text.h"
#include "tools/replay/parallel.h"

namespace mikv::kernel_test {
namespace {

// What the child tells its parent.
struct Report {
  bool loaded;
  mikv_status status;
  std::int32_t different_runs;       // of the repeated ones
  std::int32_t different_sequences;  // whose bits are others if they are alone
  std::array<char, 256> text;
};

std::uint64_t output_hash(const std::vector<CaseArray*>& arrays) {
  std::uint64_t hash = 0;
  for (const CaseArray* array : arrays) {
    if (!array->is_output()) continue;
    for (std::int64_t i = 0; i < array->size().sequences; ++i) {
      const std::span<const std::byte> bytes = array->sequence(i);
      hash = XXH3_64bits_withSeed(bytes.data(), bytes.size(), hash);
    }
  }
  return hash;
}

using Contents = std::vector<std::vector<std::byte>>;  // by sequence

Contents contents(const CaseArray& array) {
  Contents bytes;
  for (std::int64_t i = 0; i < array.size().sequences; ++i) {
    bytes.emplace_back(array.sequence(i).begin(), array.sequence(i).end());
  }
  return bytes;
}

// Runs in the child: the first call's results stay in the arrays.
class Calls {
 public:
  Calls(const PluginInfo& plugin, const CaseSpec& spec, KernelCase& kernel_case, int repeat,
        Report& report)
      : plugin_(plugin),
        all_(whole_case(spec)),
        case_(kernel_case),
        arrays_(kernel_case.arrays()),
        repeat_(repeat),
        report_(report) {}

  void run() {
    const mikv_kernels* kernels = load_kernels(plugin_.path);
    if (kernels == nullptr) return;
    report_.loaded = true;
    if (plugin_.memory == MIKV_MEMORY_CUDA) static_cast<void>(cuda::use_device(0));
    warm_up(*kernels);
    report_.status = call(*kernels, all_);
    if (report_.status != MIKV_OK) return keep_error(*kernels);
    if (repeat_ < 2) return;
    for (CaseArray* array : arrays_) first_.push_back(contents(*array));
    repeat(*kernels);
    if (all_.sequences > 1) run_alone(*kernels);
    for (std::size_t i = 0; i < arrays_.size(); ++i) {
      for (std::int64_t sequence = 0; sequence < all_.sequences; ++sequence) {
        std::ranges::copy(first_[i][static_cast<std::size_t>(sequence)],
                          arrays_[i]->sequence(sequence).begin());
      }
    }
  }

 private:
  mikv_status call(const mikv_kernels& kernels, const Call& with) {
    if (plugin_.memory == MIKV_MEMORY_HOST) return case_.call(kernels, with);
    std::vector<std::span<std::byte>> memory;
    memory.reserve(arrays_.size());
    for (const CaseArray* array : arrays_) memory.push_back(array->watched_memory());
    mikv_status status = MIKV_FAILED;
    cuda::run_on_copies(memory, [&](const std::vector<std::byte*>& copies, void* stream) {
      Call on_device = with;
      on_device.stream = stream;
      on_device.place = [&](const CaseArray& array) -> void* {
        const auto index = std::ranges::find(arrays_, &array) - arrays_.begin();
        return copies[static_cast<std::size_t>(index)] + CaseArray::kFront;
      };
      status = case_.call(kernels, on_device);
    });
    return status;
  }

  // A call with other queries: what it leaves behind in the kernel must not show.
  void warm_up(const mikv_kernels& kernels) {
    for (CaseArray* array : arrays_) {
      if (array->name() == "queries") array->negate();
    }
    call(kernels, all_);
    for (CaseArray* array : arrays_) array->restore();
  }

  void keep_error(const mikv_kernels& kernels) {
    if (kernels.last_error == nullptr) return;
    const char* text = kernels.last_error();
    copy_text(text, report_.text);
  }

  void repeat(const mikv_kernels& kernels) {
    const std::uint64_t expected = output_hash(arrays_);
    for (int i = 1; i < repeat_; ++i) {
      for (CaseArray* array : arrays_) array->restore();
      const bool ran = call(kernels, all_) == MIKV_OK;
      if (!ran || output_hash(arrays_) != expected) ++report_.different_runs;
    }
  }

  // Each sequence as a batch of one.
  void run_alone(const mikv_kernels& kernels) {
    for (std::int64_t sequence = 0; sequence < all_.sequences; ++sequence) {
      for (CaseArray* array : arrays_) array->restore();
      Call one = all_;
      one.first_sequence = sequence;
      one.sequences = 1;
      const bool ran = call(kernels, one) == MIKV_OK;
      if (!ran || !same_as_first(sequence)) ++report_.different_sequences;
    }
  }

  [[nodiscard]] bool same_as_first(std::int64_t sequence) const {
    for (std::size_t i = 0; i < arrays_.size(); ++i) {
      if (!std::ranges::equal(arrays_[i]->sequence(sequence),
                              first_[i][static_cast<std::size_t>(sequence)])) {
        return false;
      }
    }
    return true;
  }

  const PluginInfo& plugin_;
  Call all_;
  KernelCase& case_;
  std::vector<CaseArray*> arrays_;
  int repeat_;
  Report& report_;
  std::vector<Contents> first_;  // of the arrays, after the first call
};

Verdict failure(Status status, const std::string& stage, const std::string& message) {
  Verdict verdict;
  verdict.status = status;
  verdict.stage = stage;
  verdict.message = message;
  return verdict;
}

std::string status_text(const Report& report) {
  const std::string detail =
      report.text[0] == '\0' ? "" : ": " + escape(std::string(report.text.data()));
  return fmt::format("the kernel returned status {}{}", report.status, detail);
}

Verdict judge(KernelCase& kernel_case, const Report& report, const SuiteOptions& options) {
  if (!report.loaded) return failure(Status::error, "", "the plug-in could not be loaded again");
  if (report.status == MIKV_UNSUPPORTED) {
    return failure(Status::not_implemented, "", status_text(report));
  }
  if (report.status != MIKV_OK) return failure(Status::error, "", status_text(report));
  for (const CaseArray* array : kernel_case.arrays()) {
    if (const auto damage = array->damage()) {
      Verdict verdict = failure(Status::failed, "memory", *damage);
      verdict.diagnosis = "out_of_bounds";
      return verdict;
    }
  }
  Verdict verdict = kernel_case.judge(options.rule);
  if (verdict.status != Status::passed) return verdict;
  if (report.different_runs > 0) {
    return failure(Status::failed, "determinism",
                   fmt::format("{} of {} further runs gave other bits", report.different_runs,
                               options.repeat - 1));
  }
  if (report.different_sequences > 0) {
    return failure(Status::failed, "determinism",
                   fmt::format("{} sequences get other bits when they are alone in the batch",
                               report.different_sequences));
  }
  return verdict;
}

Verdict run(const PluginInfo& plugin, const CaseSpec& spec, const SuiteOptions& options,
            double& seconds) {
  if (std::ranges::find(plugin.operations, spec.operation) == plugin.operations.end()) {
    return failure(Status::not_implemented, "",
                   fmt::format("the plug-in has no {}", name(spec.operation)));
  }
  if (plugin.memory == MIKV_MEMORY_CUDA && spec.layout == ArrayLayout::wide) {
    return failure(Status::not_implemented, "", "arrays that wide are for host memory");
  }
  const std::unique_ptr<KernelCase> kernel_case = make_case(spec);
  const GuardedMemory memory(sizeof(Report));
  auto* report = new (memory.bytes().data()) Report{};
  const auto start = std::chrono::steady_clock::now();
  const ChildEnd end = run_in_child(
      [&] {
        try {
          Calls(plugin, spec, *kernel_case, options.repeat, *report).run();
        } catch (const DeviceError& error) {
          report->status = MIKV_FAILED;
          copy_text(error.what(), report->text);
        }
      },
      options.limit);
  seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (!end.ok()) return failure(Status::error, "process", "the kernel " + end.text(options.limit));
  return judge(*kernel_case, *report, options);
}

}  // namespace

CaseResult run_case(const PluginInfo& plugin, const CaseSpec& spec, const SuiteOptions& options) {
  CaseResult result{
      .name = to_string(spec), .operation = spec.operation, .verdict = {}, .seconds = 0};
  result.verdict = run(plugin, spec, options, result.seconds);
  return result;
}

std::vector<CaseResult> run_suite(const PluginInfo& plugin, const std::vector<CaseSpec>& cases,
                                  const SuiteOptions& options) {
  std::vector<CaseResult> results(cases.size());
  std::mutex mutex;
  std::int64_t done = 0;
  const auto count = static_cast<std::int64_t>(cases.size());
  tools::parallel_for(count, options.threads, [&](std::int64_t i) {
    const auto index = static_cast<std::size_t>(i);
    results[index] = run_case(plugin, cases[index], options);
    const std::lock_guard lock(mutex);
    if (options.progress) options.progress(++done, count);
  });
  return results;
}

}  // namespace mikv::kernel_test
