// SPDX-License-Identifier: Apache-2.0
#include "tests/trace/hand_made_trace.h"

#include <nlohmann/json.hpp>

#include "tests/support/random_numbers.h"
#include "tests/support/trace_builder.h"

namespace mikv::test {
namespace {

constexpr std::uint64_t kTokens = 3;
constexpr std::uint64_t kChannels = 8;

TraceSpec trace_spec() {
  TraceSpec spec;
  spec.layers = 2;
  spec.query_heads = 2;
  spec.kv_heads = 1;
  spec.head_dim = kChannels;
  spec.prompt_length = kTokens - 1;
  spec.decode_length = 1;
  return spec;
}

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump();
}

}  // namespace

std::string tensor_json(const HandMadeTensor& tensor, std::uint64_t begin, std::uint64_t end) {
  std::string shape;
  for (const std::uint64_t n : tensor.shape) {
    shape.append(shape.empty() ? "" : ",").append(std::to_string(n));
  }
  return quoted(tensor.name) + R"(:{"dtype":)" + quoted(tensor.dtype) + R"(,"shape":[)" + shape +
         R"(],"data_offsets":[)" + std::to_string(begin) + "," + std::to_string(end) + "]}";
}

std::string object_json(const std::vector<std::string>& entries) {
  std::string json = "{";
  for (const std::string& entry : entries) {
    if (json.size() > 1) json += ',';
    json += entry;
  }
  return json += '}';
}

std::string hand_made_file(const std::map<std::string, std::string>& metadata,
                           const std::vector<HandMadeTensor>& tensors) {
  std::vector<std::string> texts;
  for (const auto& [key, value] : metadata) texts.push_back(quoted(key) + ":" + quoted(value));
  std::vector<std::string> entries{R"("__metadata__":)" + object_json(texts)};
  std::string data;
  for (const HandMadeTensor& tensor : tensors) {
    entries.push_back(tensor_json(tensor, data.size(), data.size() + tensor.data.size()));
    data += tensor.data;
  }
  return safetensors_file(object_json(entries), data);
}

HandMadeTrace::HandMadeTrace()
    : metadata(test::metadata(trace_spec())),
      tensors{tensor("layers.0.q", 2), tensor("layers.0.k", 1), tensor("layers.0.v", 1)} {}

HandMadeTensor HandMadeTrace::tensor(const std::string& name, std::uint64_t heads) {
  RandomNumbers random(heads + static_cast<unsigned char>(name.back()));
  std::string data(heads * kTokens * kChannels * 2, '\0');
  for (char& byte : data) byte = static_cast<char>(random.below(0x40));  // no exponent of all ones
  return {name, "F16", {heads, kTokens, kChannels}, data};
}

std::vector<std::byte> to_bytes(const std::string& text) {
  const auto* const begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

}  // namespace mikv::test
