// SPDX-License-Identifier: Apache-2.0
#include "trace/trace_format.h"

#include <charconv>
#include <cmath>

#include "core/error.h"

namespace mikv::trace {
namespace {

class Fields {
 public:
  Fields(const Metadata& metadata, std::string_view file_name)
      : metadata_(metadata), file_name_(file_name) {}

  [[noreturn]] void refuse(std::string_view field, const std::string& problem) const {
    throw InputError(file_name_, "__metadata__." + std::string(field), problem,
                     "see trace/FORMAT.md for what a trace must say");
  }

  const std::string* optional(const std::string& field) const {
    const auto found = metadata_.find(field);
    return found == metadata_.end() ? nullptr : &found->second;
  }

  const std::string& required(const std::string& field) const {
    const std::string* text = optional(field);
    if (text == nullptr) refuse(field, "is missing");
    return *text;
  }

  void require_value(const std::string& field, std::string_view value) const {
    const std::string& text = required(field);
    if (text != value) {
      refuse(field, "is '" + text.substr(0, 64) + "', not '" + std::string(value) + "'");
    }
  }

  std::int64_t integer(std::string_view field, std::string_view text, std::int64_t low,
                       std::int64_t high) const {
    std::int64_t value = 0;
    const std::errc error = std::from_chars(text.data(), text.data() + text.size(), value).ec;
    const bool canonical = error == std::errc() && text == std::to_string(value);
    if (!canonical || value < low || value > high) {
      refuse(field, "is '" + std::string(text.substr(0, 64)) + "', not an integer from " +
                        std::to_string(low) + " to " + std::to_string(high) +
                        " without leading zeros");
    }
    return value;
  }

  std::int64_t required_integer(const std::string& field, std::int64_t low,
                                std::int64_t high) const {
    return integer(field, required(field), low, high);
  }

  double number(std::string_view field, std::string_view text) const {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
      refuse(field, "is '" + std::string(text.substr(0, 64)) + "', not a finite decimal number");
    }
    return value;
  }

  std::vector<std::int64_t> integer_list(std::string_view field, std::string_view text) const {
    std::vector<std::int64_t> values;
    for (std::size_t begin = 0; begin <= text.size();) {
      const std::size_t end = std::min(text.find(',', begin), text.size());
      values.push_back(integer(field, text.substr(begin, end - begin), 0, kMaxTokens));
      begin = end + 1;
    }
    return values;
  }

 private:
  const Metadata& metadata_;
  std::string_view file_name_;
};

AttentionShape parse_shape(const Fields& fields) {
  AttentionShape shape;
  shape.query_heads = fields.required_integer("num_query_heads", 1, kMaxHeads);
  shape.kv_heads = fields.required_integer("num_kv_heads", 1, kMaxHeads);
  shape.head_dim = fields.required_integer("head_dim", 8, kMaxHeadDim);
  if (shape.query_heads % shape.kv_heads != 0) {
    fields.refuse("num_kv_heads", "is " + std::to_string(shape.kv_heads) +
                                      ", which does not divide num_query_heads " +
                                      std::to_string(shape.query_heads));
  }
  if (shape.head_dim % 8 != 0) {
    fields.refuse("head_dim", "is " + std::to_string(shape.head_dim) + ", not a multiple of 8");
  }
  return shape;
}

void parse_optional_features(const Fields& fields, TraceHeader& header) {
  if (const std::string* text = fields.optional("sliding_window")) {
    header.sliding_window = fields.integer_list("sliding_window", *text);
    if (static_cast<std::int64_t>(header.sliding_window.size()) != header.num_layers) {
      fields.refuse("sliding_window", "has " + std::to_string(header.sliding_window.size()) +
                                          " entries for " + std::to_string(header.num_layers) +
                                          " layers");
    }
  }
  if (const std::string* text = fields.optional("softcap")) {
    header.softcap = fields.number("softcap", *text);
    if (header.softcap < 0) fields.refuse("softcap", "is negative");
  }
  if (const std::string* text = fields.optional("sinks")) {
    if (*text != "1" && *text != "0") fields.refuse("sinks", "is neither '0' nor '1'");
    header.sinks = *text == "1";
  }
  if (const std::string* text = fields.optional("producer")) header.producer = *text;
  if (const std::string* text = fields.optional("model_revision")) header.model_revision = *text;
}

}  // namespace

TraceHeader parse_trace_header(const Metadata& metadata, std::string_view file_name) {
  const Fields fields(metadata, file_name);
  fields.require_value("format", "mikv-trace");
  fields.require_value("version", "1");
  fields.require_value("layout", "heads,tokens,head_dim");
  fields.require_value("rope", "applied");

  TraceHeader header;
  header.model = fields.required("model");
  header.description = fields.required("description");
  header.num_layers = fields.required_integer("num_layers", 1, kMaxLayers);
  header.shape = parse_shape(fields);
  header.prompt_length = fields.required_integer("prompt_length", 1, kMaxTokens);
  header.decode_length =
      fields.required_integer("decode_length", 0, kMaxTokens - header.prompt_length);
  header.softmax_scale = fields.number("softmax_scale", fields.required("softmax_scale"));
  if (header.softmax_scale <= 0) fields.refuse("softmax_scale", "is not above 0");
  parse_optional_features(fields, header);
  return header;
}

std::optional<std::string> unsupported_feature(const TraceHeader& header, std::int64_t layer) {
  if (!header.sliding_window.empty()) {
    const std::int64_t window = header.sliding_window.at(static_cast<std::size_t>(layer));
    if (window > 0 && window < header.tokens()) {
      return "a sliding window of " + std::to_string(window) + " tokens";
    }
  }
  if (header.softcap > 0) return "a logit soft cap (softcap)";
  if (header.sinks) return "attention sinks (sinks)";
  return std::nullopt;
}

}  // namespace mikv::trace
