// SPDX-License-Identifier: Apache-2.0
#include "tools/plan/model/config_object.h"

#include "core/error.h"

namespace mikv::tools {
namespace {

constexpr std::int64_t kMaxNumber = std::int64_t{1} << 40;
constexpr std::size_t kMaxEntries = 4096;

std::string element(const char* field, std::size_t i) {
  return std::string(field) + "[" + std::to_string(i) + "]";
}

}  // namespace

ConfigObject::ConfigObject(std::string file, std::string prefix, const nlohmann::json& json)
    : file_(std::move(file)), prefix_(std::move(prefix)), json_(&json) {}

void ConfigObject::refuse(const std::string& field, const std::string& problem,
                          const std::string& remedy) const {
  throw InputError(file_, prefix_ + field, problem, remedy);
}

const nlohmann::json* ConfigObject::find(const char* field) const {
  const auto at = json_->find(field);
  return at == json_->end() || at->is_null() ? nullptr : &*at;
}

std::int64_t ConfigObject::number(const std::string& field, const nlohmann::json& value) const {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > kMaxNumber) {
    refuse(field,
           "is " +
               value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace).substr(0, 40) +
               ", no whole number from 0 to 2^40",
           "correct it");
  }
  return value.get<std::int64_t>();
}

std::optional<std::int64_t> ConfigObject::integer(const char* field) const {
  const nlohmann::json* value = find(field);
  if (value == nullptr) return std::nullopt;
  return number(field, *value);
}

std::optional<std::int64_t> ConfigObject::bounded(const char* field, int bits) const {
  const std::optional<std::int64_t> value = integer(field);
  if (value && (*value < 1 || *value > std::int64_t{1} << bits)) {
    refuse(field, "is " + std::to_string(*value) + ", not from 1 to 2^" + std::to_string(bits),
           "correct it");
  }
  return value;
}

std::optional<std::int64_t> ConfigObject::size(const char* field) const {
  constexpr int kBits = 20;
  return bounded(field, kBits);
}

std::optional<std::int64_t> ConfigObject::tokens(const char* field) const {
  constexpr int kBits = 31;
  return bounded(field, kBits);
}

std::int64_t ConfigObject::required_size(const char* field) const {
  if (const auto value = size(field)) return *value;
  refuse(field, "is missing");
}

std::optional<bool> ConfigObject::boolean(const char* field) const {
  const nlohmann::json* value = find(field);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) refuse(field, "is not true or false", "correct it");
  return value->get<bool>();
}

std::optional<std::string> ConfigObject::text(const char* field) const {
  const nlohmann::json* value = find(field);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) refuse(field, "is no text", "correct it");
  return value->get<std::string>();
}

const nlohmann::json* ConfigObject::array(const char* field) const {
  const nlohmann::json* value = find(field);
  if (value == nullptr) return nullptr;
  if (!value->is_array()) refuse(field, "is no array", "correct it");
  if (value->size() > kMaxEntries) {
    refuse(field, "has " + std::to_string(value->size()) + " entries, more than 4096",
           "correct it");
  }
  return value;
}

std::optional<std::vector<std::int64_t>> ConfigObject::integers(const char* field) const {
  const nlohmann::json* values = array(field);
  if (values == nullptr) return std::nullopt;
  std::vector<std::int64_t> numbers;
  numbers.reserve(values->size());
  for (std::size_t i = 0; i < values->size(); ++i) {
    numbers.push_back(number(element(field, i), (*values)[i]));
  }
  return numbers;
}

std::optional<std::vector<std::string>> ConfigObject::texts(const char* field) const {
  const nlohmann::json* values = array(field);
  if (values == nullptr) return std::nullopt;
  std::vector<std::string> texts;
  texts.reserve(values->size());
  for (std::size_t i = 0; i < values->size(); ++i) {
    if (!(*values)[i].is_string()) refuse(element(field, i), "is no text", "correct it");
    texts.push_back((*values)[i].get<std::string>());
  }
  return texts;
}

std::optional<ConfigObject> ConfigObject::object(const char* field) const {
  const nlohmann::json* value = find(field);
  if (value == nullptr) return std::nullopt;
  if (!value->is_object()) refuse(field, "is no object", "correct it");
  return ConfigObject(file_, prefix_ + field + ".", *value);
}

std::optional<std::vector<ConfigObject>> ConfigObject::objects(const char* field) const {
  const nlohmann::json* values = array(field);
  if (values == nullptr) return std::nullopt;
  std::vector<ConfigObject> objects;
  objects.reserve(values->size());
  for (std::size_t i = 0; i < values->size(); ++i) {
    if (!(*values)[i].is_object()) refuse(element(field, i), "is no object", "correct it");
    objects.emplace_back(file_, prefix_ + element(field, i) + ".", (*values)[i]);
  }
  return objects;
}

}  // namespace mikv::tools
