// SPDX-License-Identifier: Apache-2.0
#include "tools/support/json_file.h"

#include <set>
#include <vector>

#include "core/error.h"
#include "tools/support/text_file.h"

namespace mikv::tools {
namespace {

constexpr int kMaxDepth = 64;

// Refuses while parsing what the parser would take: deep nesting, the same key twice.
class Guard {
 public:
  Guard(std::string path, std::string_view remedy) : path_(std::move(path)), remedy_(remedy) {}

  bool operator()(int depth, nlohmann::json::parse_event_t event, const nlohmann::json& value) {
    using Event = nlohmann::json::parse_event_t;
    if (depth > kMaxDepth) throw InputError(path_, "", "is nested too deeply", remedy_);
    if (event == Event::object_start) keys_.emplace_back();
    if (event == Event::object_end) keys_.pop_back();
    if (event == Event::key && !keys_.back().insert(value.get<std::string>()).second) {
      throw InputError(path_, value.get<std::string>(), "is there twice", "keep one of them");
    }
    return true;
  }

 private:
  std::string path_;
  std::string_view remedy_;
  std::vector<std::set<std::string>> keys_;  // of the objects that are open
};

}  // namespace

nlohmann::json parse_json(std::string_view text, const std::string& name, std::string_view remedy) {
  try {
    return nlohmann::json::parse(text, Guard(name, remedy));
  } catch (const nlohmann::json::parse_error& error) {
    throw InputError(name, "", "is not valid JSON at byte " + std::to_string(error.byte), remedy);
  } catch (const nlohmann::json::exception&) {
    throw InputError(name, "", "holds a number that no double can", remedy);
  }
}

nlohmann::json read_json_file(const std::string& path, std::string_view remedy) {
  return parse_json(read_text_file(path, remedy), path, remedy);
}

}  // namespace mikv::tools
