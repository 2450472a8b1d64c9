// SPDX-License-Identifier: Apache-2.0
#include "tools/options/backend_options.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <utility>

#include "core/error.h"
#include "tools/options/number.h"
#include "tools/options/value_type.h"

namespace mikv::tools {
namespace {

constexpr const char* kGroup = "Run";
constexpr std::uint64_t kMaxDevice = 1023;  // far above any machine's

int parse_index(const std::string& text) {
  int index = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (error == std::errc() && end == text.data() + text.size() && index >= 0) return index;
  throw UsageError("--devices", "'" + text + "' is no device", "use all, or numbers such as 0,1");
}

std::vector<int> parse_list(const std::string& text) {
  std::vector<int> indices;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const int index = parse_index(text.substr(begin, end - begin));
    if (std::find(indices.begin(), indices.end(), index) != indices.end()) {
      throw UsageError("--devices", std::to_string(index) + " is named twice", "name it once");
    }
    indices.push_back(index);
    begin = end + 1;
  }
  return indices;
}

}  // namespace

void BackendOptions::add_to(CLI::App& command) {
  const std::vector<std::pair<std::string, Backend>> backends{
      {"cpu", Backend::cpu}, {"cuda", Backend::cuda}, {"both", Backend::both}};
  // Runs before the transformer, which would let an enumerator's number through.
  const CLI::Validator known = CLI::IsMember(names(backends)).description("");
  CLI::Option* option =
      command.add_option("--backend", backend, "cpu, cuda, or both: compared bit for bit [cpu]")
          ->transform(CLI::Transformer(backends).description(""))
          ->transform(known)
          ->type_name("NAME")
          ->group(kGroup);
  set_words(*option, names(backends));
  const auto set_device = [this](const std::string& text) {
    device = static_cast<int>(parse_count("--device", text, 0, kMaxDevice));
  };
  CLI::Option* one =
      command.add_option_function<std::string>("--device", set_device, "CUDA device [0]")
          ->type_name("N")
          ->group(kGroup);
  command.add_option("--devices", devices, "all, or 0,1,...: devices that share the layers")
      ->type_name("LIST")
      ->excludes(one)
      ->group(kGroup);
}

std::vector<int> BackendOptions::device_list() const {
  if (backend == Backend::cpu) return {};
  if (devices.empty()) return {device};
  if (devices != "all") return parse_list(devices);
  std::vector<int> all(static_cast<std::size_t>(cuda::device_count()));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

}  // namespace mikv::tools
