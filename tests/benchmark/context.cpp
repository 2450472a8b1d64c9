// SPDX-License-Identifier: Apache-2.0
#include "tests/benchmark/context.h"

#include <benchmark/benchmark.h>

#include <fstream>
#include <string>
#include <thread>

#include "reference/isa.h"
#include "tools/support/version.h"

namespace mikv::bench {
namespace {

// The value of a line of /proc/cpuinfo, of the first processor.
std::string cpu_field(const std::string& name) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (colon != std::string::npos && line.substr(0, line.find('\t')) == name) {
      return line.substr(colon + 2);
    }
  }
  return "unknown";
}

}  // namespace

void add_context() {
  std::string isas;
  for (const reference::Isa isa : reference::available_isas()) {
    isas.append(isas.empty() ? "" : " ").append(reference::name(isa));
  }
  const tools::Version version = tools::version();
  benchmark::AddCustomContext("cpu", cpu_field("model name") + ", family " +
                                         cpu_field("cpu family") + ", model " + cpu_field("model"));
  benchmark::AddCustomContext("cores", std::to_string(std::thread::hardware_concurrency()));
  benchmark::AddCustomContext("isa", std::string(reference::name(reference::selected_isa())));
  benchmark::AddCustomContext("isas", isas);
  benchmark::AddCustomContext("compiler", std::string(version.compiler));
  benchmark::AddCustomContext("commit", std::string(version.commit));
}

}  // namespace mikv::bench
