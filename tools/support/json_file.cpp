// SPDX-License-Identifier: Apache-2.0
#include "tools/support/json_file.h"

#include "core/error.h"
#include "trace/mapped_file.h"

namespace mikv::tools {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{64} << 20;
constexpr std::size_t kMaxDepth = 64;

}  // namespace

nlohmann::json read_json_file(const std::string& path) {
  const trace::MappedFile file(path);
  if (file.bytes().size() > kMaxBytes) {
    throw InputError(path, "", "is larger than 64 MiB", "give a JSON document of this program");
  }
  const auto* text = reinterpret_cast<const char*>(file.bytes().data());
  bool too_deep = false;
  const auto callback = [&too_deep](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    too_deep |= depth > static_cast<int>(kMaxDepth);
    return !too_deep;
  };
  try {
    nlohmann::json json = nlohmann::json::parse(text, text + file.bytes().size(), callback);
    if (!too_deep) return json;
  } catch (const nlohmann::json::parse_error& error) {
    throw InputError(path, "", "is not valid JSON at byte " + std::to_string(error.byte),
                     "give a JSON document");
  } catch (const nlohmann::json::exception&) {
    throw InputError(path, "", "holds a number that no double can", "give a JSON document");
  }
  throw InputError(path, "", "is nested too deeply", "give a JSON document of this program");
}

}  // namespace mikv::tools
