// SPDX-License-Identifier: Apache-2.0
#include "tests/trace/peak_memory.h"

#include <fstream>
#include <string>

namespace mikv::test {
namespace {

std::int64_t status_bytes(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string name; status >> name;) {
    std::int64_t kib = 0;
    if (name == field && status >> kib) return kib * 1024;
    status.clear();
    status.ignore(1024, '\n');
  }
  return 0;
}

}  // namespace

PeakMemory::PeakMemory() {
  std::ofstream clear_refs("/proc/self/clear_refs");
  clear_refs << "5" << std::flush;  // "reset the peak resident set size", proc(5)
  reset_ = clear_refs.good();
  start_ = status_bytes("VmRSS:");
}

std::optional<std::int64_t> PeakMemory::growth_bytes() const {
  if (!reset_) return std::nullopt;
  return status_bytes("VmHWM:") - start_;
}

}  // namespace mikv::test
