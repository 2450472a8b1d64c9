// SPDX-License-Identifier: Apache-2.0
#include "tools/kernel_test/plugin.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>

#include "core/error.h"
#include "cuda/devices.h"
#include "tools/kernel_test/child_process.h"
#include "tools/kernel_test/guarded_memory.h"
#include "tools/kernel_test/shared_text.h"

namespace mikv::kernel_test {
namespace {

// What the child tells its parent.
struct Probe {
  bool loaded;
  bool has_function;
  bool has_table;
  std::uint32_t struct_size;
  std::uint32_t abi_version;
  mikv_memory memory;
  bool has_device;
  std::array<bool, 5> has;
  std::array<char, 512> text;  // the name, or why it cannot be loaded
};

void find_device(Probe& out) {
  try {
    static_cast<void>(cuda::use_device(0));
    out.has_device = true;
  } catch (const DeviceError& error) {
    copy_text(error.what(), out.text);
  }
}

void probe(const std::string& path, Probe& out) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return copy_text(dlerror(), out.text);
  out.loaded = true;
  const auto function = reinterpret_cast<decltype(&mikv_plugin)>(dlsym(library, "mikv_plugin"));
  if (function == nullptr) return;
  out.has_function = true;
  const mikv_kernels* kernels = function();
  if (kernels == nullptr) return;
  out.has_table = true;
  out.struct_size = kernels->struct_size;
  out.abi_version = kernels->abi_version;
  if (out.struct_size < sizeof(mikv_kernels) || out.abi_version != MIKV_ABI_VERSION) return;
  out.memory = kernels->memory;
  out.has[static_cast<std::size_t>(Operation::compress)] = kernels->compress != nullptr;
  out.has[static_cast<std::size_t>(Operation::append)] = kernels->append != nullptr;
  out.has[static_cast<std::size_t>(Operation::demote)] = kernels->demote != nullptr;
  out.has[static_cast<std::size_t>(Operation::decode)] = kernels->decode != nullptr;
  out.has[static_cast<std::size_t>(Operation::dequantize)] = kernels->dequantize != nullptr;
  copy_text(kernels->name, out.text);
  if (out.memory == MIKV_MEMORY_CUDA) find_device(out);
}

// dlopen searches the system's folders for a name without a slash.
std::string absolute(const std::string& path) {
  return std::filesystem::absolute(path).string();
}

void check(const std::string& path, const Probe& probe) {
  if (!probe.loaded) {
    throw InputError(path, "", "cannot be loaded: " + escape(probe.text.data()),
                     "give a shared library, built for this machine");
  }
  if (!probe.has_function) {
    throw InputError(path, "mikv_plugin", "is not a function of the library",
                     "export it with C linkage, see core/mikv.h");
  }
  if (!probe.has_table) {
    throw InputError(path, "mikv_plugin", "returns a null pointer",
                     "return the address of a mikv_kernels that stays where it is");
  }
  if (probe.abi_version != MIKV_ABI_VERSION || probe.struct_size < sizeof(mikv_kernels)) {
    throw InputError(
        path, "mikv_plugin",
        fmt::format("returns interface version {}, structure size {}; this program "
                    "knows version {}, size {}",
                    probe.abi_version, probe.struct_size, MIKV_ABI_VERSION, sizeof(mikv_kernels)),
        "build it against this program's core/mikv.h");
  }
  if (probe.memory != MIKV_MEMORY_HOST && probe.memory != MIKV_MEMORY_CUDA) {
    throw InputError(path, "mikv_kernels.memory", fmt::format("is {}", probe.memory),
                     "set it to MIKV_MEMORY_HOST or MIKV_MEMORY_CUDA");
  }
}

}  // namespace

PluginInfo probe_plugin(const std::string& path, std::chrono::milliseconds limit) {
  const GuardedMemory memory(sizeof(Probe));
  auto* found = reinterpret_cast<Probe*>(memory.bytes().data());
  const ChildEnd end = run_in_child([&] { probe(absolute(path), *found); }, limit);
  if (!end.ok()) {
    throw InputError(path, "", "cannot be loaded: it " + end.text(limit),
                     "look at the library's constructors and at mikv_plugin");
  }
  check(path, *found);
  if (found->memory == MIKV_MEMORY_CUDA && !found->has_device) {
    throw DeviceError(
        "the plug-in's kernels cannot run: " + escape(std::string(found->text.data())),
        "run the test on a machine with a GPU");
  }
  PluginInfo info;
  info.path = absolute(path);
  info.name = found->text.data();
  info.memory = found->memory;
  for (const Operation operation : operations()) {
    if (found->has.at(static_cast<std::size_t>(operation))) info.operations.push_back(operation);
  }
  return info;
}

const mikv_kernels* load_kernels(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return nullptr;
  const auto function = reinterpret_cast<decltype(&mikv_plugin)>(dlsym(library, "mikv_plugin"));
  return function == nullptr ? nullptr : function();
}

}  // namespace mikv::kernel_test
