// SPDX-License-Identifier: Apache-2.0
#include "tools/kernel_test/case_spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "core/error.h"
#include "tools/kernel_test/case_trace.h"

namespace mikv::kernel_test {
namespace {

constexpr std::array<std::pair<Operation, std::string_view>, 5> kOperations{
    {{Operation::compress, "compress"},
     {Operation::append, "append"},
     {Operation::demote, "demote"},
     {Operation::decode, "decode"},
     {Operation::dequantize, "dequantize"}}};

constexpr std::array<std::pair<Pattern, std::string_view>, 9> kPatterns{
    {{Pattern::normal, "normal"},
     {Pattern::scales, "scales"},
     {Pattern::constant, "constant"},
     {Pattern::ties, "ties"},
     {Pattern::outliers, "outliers"},
     {Pattern::large, "large"},
     {Pattern::subnormal, "subnormal"},
     {Pattern::peaked, "peaked"},
     {Pattern::sink, "sink"}}};

struct ModelShape {
  std::string_view name;
  AttentionShape shape;
};

constexpr std::array<ModelShape, 6> kModels{{{"llama2-7b", {32, 32, 128}},
                                             {"llama3-8b", {32, 8, 128}},
                                             {"qwen2.5-0.5b", {14, 2, 64}},
                                             {"qwen3-0.6b", {16, 8, 128}},
                                             {"gemma3-1b", {4, 1, 256}},
                                             {"phi2", {32, 32, 80}}}};

constexpr double kMostElements = 0x1p28;
constexpr std::int64_t kMostTokens = 65536;
constexpr std::int64_t kLargest = std::int64_t{1} << 31;

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

[[noreturn]] void refuse(std::string_view part, const std::string& what, const std::string& fix) {
  throw UsageError("'" + escape(std::string(part)) + "' of a case's name", what, fix);
}

[[noreturn]] void refuse_case(std::string_view text, const std::string& what,
                              const std::string& fix) {
  throw UsageError("case '" + escape(std::string(text)) + "'", what, fix);
}

template <typename Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::int64_t size(std::string_view part, std::string_view text) {
  const auto value = number<std::int64_t>(text);
  if (!value || *value < 1 || *value > kLargest) {
    refuse(part, "is no positive size", "give a number from 1 to 2147483648");
  }
  return *value;
}

// q32k8d128
std::optional<AttentionShape> parse_heads(std::string_view text) {
  const std::size_t k = text.find('k');
  const std::size_t d = text.find('d');
  if (text.empty() || text[0] != 'q' || k == std::string_view::npos ||
      d == std::string_view::npos || d < k) {
    return std::nullopt;
  }
  return AttentionShape{.query_heads = size(text, text.substr(1, k - 1)),
                        .kv_heads = size(text, text.substr(k + 1, d - k - 1)),
                        .head_dim = size(text, text.substr(d + 1))};
}

AttentionShape parse_shape(std::string_view text) {
  for (const ModelShape& model : kModels) {
    if (model.name == text) return model.shape;
  }
  const std::optional<AttentionShape> shape = parse_heads(text);
  if (!shape) refuse(text, "is no shape", "write q32k8d128, or the name of a model");
  if (shape->query_heads % shape->kv_heads != 0) {
    refuse(text, "has query heads that KV heads do not divide", "choose a multiple");
  }
  if (shape->head_dim % 8 != 0) refuse(text, "has no head_dim in eights", "choose a multiple of 8");
  return *shape;
}

std::string shape_text(const AttentionShape& shape) {
  for (const ModelShape& model : kModels) {
    if (model.shape == shape) return std::string(model.name);
  }
  return fmt::format("q{}k{}d{}", shape.query_heads, shape.kv_heads, shape.head_dim);
}

ElementType parse_element(std::string_view part, std::string_view text) {
  for (const ElementType type : {ElementType::f16, ElementType::bf16, ElementType::f32}) {
    if (element_name(type) == text) return type;
  }
  refuse(part, "names no element type", "choose fp16, bf16 or fp32");
}

Pattern parse_pattern(std::string_view part, std::string_view text) {
  for (const auto& [pattern, pattern_name] : kPatterns) {
    if (pattern_name == text) return pattern;
  }
  std::string names;
  for (const auto& entry : kPatterns) names.append(names.empty() ? "" : ", ").append(entry.second);
  refuse(part, "names no pattern", "choose one of " + names);
}

struct Unresolved {
  CaseSpec spec;
  std::optional<StorageFormat> importance_format;
  std::optional<std::int64_t> group_size;
  std::optional<std::int64_t> layer;
  std::optional<std::int64_t> tokens;
};

std::int64_t parse_layer(std::string_view part, std::string_view text) {
  const auto layer = number<std::int64_t>(text);
  if (!layer || *layer < 0) refuse(part, "is no layer", "give a whole number");
  return *layer;
}

// The values of a trace are as they are.
bool is_of_values(std::string_view key) {
  return key == "e" || key == "data" || key == "seed";
}

void set_value(Unresolved& out, std::string_view part, std::string_view key,
               std::string_view value) {
  CaseSpec& spec = out.spec;
  const bool is_trace = !spec.trace.empty();
  if (is_trace && is_of_values(key)) {
    refuse(part, "is not for a case of a trace", "leave it out: the values are recorded");
  } else if (is_trace && key == "layer") {
    out.layer = parse_layer(part, value);
  } else if (key == "s") {
    out.tokens = size(part, value);
  } else if (key == "b") {
    spec.sequences = size(part, value);
  } else if (key == "g") {
    out.group_size = size(part, value);
  } else if (key == "r") {
    const auto ratio = number<double>(value);
    if (!ratio || !(*ratio >= 0 && *ratio <= 1)) refuse(part, "is no ratio", "give 0 to 1");
    spec.importance_ratio = *ratio;
  } else if (key == "hi") {
    out.importance_format = storage_format(value);
    if (!out.importance_format || !info(*out.importance_format).importance_tier) {
      refuse(part, "names no format of the importance tier",
             "choose fp16, bf16, fp32, int8 or int4");
    }
  } else if (key == "e") {
    spec.element = parse_element(part, value);
  } else if (key == "data") {
    spec.pattern = parse_pattern(part, value);
  } else if (key == "seed") {
    const auto seed = number<std::uint64_t>(value);
    if (!seed) refuse(part, "is no seed", "give a whole number");
    spec.seed = *seed;
  } else {
    refuse(part, "is not known",
           is_trace ? "use layer, s, b, g, r or hi" : "use s, b, g, r, hi, e, data or seed");
  }
}

void set_word(CaseSpec& spec, std::string_view word) {
  if (word == "dense") {
    spec.layout = ArrayLayout::dense;
  } else if (word == "wide") {
    spec.layout = ArrayLayout::wide;
  } else if (word == "nobalancer") {
    spec.balancer = false;
  } else if (const auto format = storage_format(word); format && info(*format).retained_tier) {
    spec.retained_format = *format;
  } else {
    refuse(word, "is not known", "use a retained format, dense, wide, nobalancer or NAME=VALUE");
  }
}

constexpr std::string_view kTrace = "trace=";

void set_shape(CaseSpec& spec, std::string_view text) {
  if (!text.starts_with(kTrace)) {
    spec.shape = parse_shape(text);
    return;
  }
  spec.trace = text.substr(kTrace.size());
  const TraceContents contents = trace_contents(spec.trace);
  spec.shape = contents.shape;
  spec.element = contents.element;
  spec.layer = contents.layers.front();
  spec.tokens = std::min(contents.tokens, kMostTokens);
}

std::string list(const std::vector<std::int64_t>& numbers) {
  std::string text;
  for (const std::int64_t n : numbers) {
    text.append(text.empty() ? "" : ", ").append(std::to_string(n));
  }
  return text;
}

// The trace's own tokens are the default, and the most.
void require_recorded(const CaseSpec& spec, std::string_view text) {
  const TraceContents contents = trace_contents(spec.trace);
  if (std::ranges::find(contents.layers, spec.layer) == contents.layers.end()) {
    refuse_case(text, fmt::format("asks for layer {}, which is not recorded", spec.layer),
                "recorded are " + list(contents.layers));
  }
  if (spec.tokens < 2 || spec.tokens > contents.tokens) {
    refuse_case(text, fmt::format("asks for {} tokens", spec.tokens),
                fmt::format("give s= from 2 to {}, the tokens of the trace", contents.tokens));
  }
}

CaseSpec resolved(const Unresolved& parsed, std::string_view text) {
  CaseSpec spec = parsed.spec;
  spec.layer = parsed.layer.value_or(spec.layer);
  spec.tokens = parsed.tokens.value_or(spec.tokens);
  if (!spec.trace.empty()) require_recorded(spec, text);
  spec.importance_format = parsed.importance_format.value_or(native_format(spec.element));
  spec.group_size = parsed.group_size.value_or(spec.shape.head_dim / 2);
  if (spec.group_size % 8 != 0 || spec.shape.head_dim % spec.group_size != 0 ||
      spec.group_size > kMaxGroupSize) {
    refuse_case(text, "has groups that do not fit its head_dim",
                "give g=, a multiple of 8 that divides it");
  }
  const double elements = static_cast<double>(spec.tokens) * static_cast<double>(spec.sequences) *
                          static_cast<double>(spec.shape.query_heads) *
                          static_cast<double>(spec.shape.head_dim);
  if (elements > kMostElements || spec.tokens > kMostTokens) {
    refuse_case(text, "is too large to be computed here",
                "stay within 65536 tokens, and 2^28 elements of queries");
  }
  const StorageFormatInfo& importance = info(spec.importance_format);
  if (!importance.quantized && importance.element != spec.element) {
    refuse_case(text, "stores another element type than it has", "make hi= and e= equal");
  }
  return spec;
}

}  // namespace

std::string_view name(Operation operation) {
  return std::ranges::find(kOperations, operation, &std::pair<Operation, std::string_view>::first)
      ->second;
}

std::string_view name(Pattern pattern) {
  return std::ranges::find(kPatterns, pattern, &std::pair<Pattern, std::string_view>::first)
      ->second;
}

const std::vector<Operation>& operations() {
  static const std::vector<Operation> all = [] {
    std::vector<Operation> list;
    list.reserve(kOperations.size());
    for (const auto& entry : kOperations) list.push_back(entry.first);
    return list;
  }();
  return all;
}

Operation parse_operation(std::string_view text) {
  for (const auto& [operation, operation_name] : kOperations) {
    if (operation_name == text) return operation;
  }
  throw UsageError("operation '" + escape(std::string(text)) + "'", "is not known",
                   "choose compress, append, demote, decode or dequantize");
}

std::string to_string(const CaseSpec& spec) {
  const bool is_trace = !spec.trace.empty();
  const std::string shape = is_trace ? fmt::format("{}{}:layer={}", kTrace, spec.trace, spec.layer)
                                     : shape_text(spec.shape);
  std::string text = fmt::format("{}:{}:s={}:r={}:{}", name(spec.operation), shape, spec.tokens,
                                 spec.importance_ratio, name(spec.retained_format));
  if (spec.importance_format != native_format(spec.element)) {
    text += fmt::format(":hi={}", name(spec.importance_format));
  }
  if (spec.element != ElementType::f16 && !is_trace) {
    text += fmt::format(":e={}", element_name(spec.element));
  }
  if (spec.group_size != spec.shape.head_dim / 2) text += fmt::format(":g={}", spec.group_size);
  if (spec.sequences != 1) text += fmt::format(":b={}", spec.sequences);
  if (!spec.balancer) text += ":nobalancer";
  if (spec.pattern != Pattern::normal) text += fmt::format(":data={}", name(spec.pattern));
  if (spec.layout == ArrayLayout::dense) text += ":dense";
  if (spec.layout == ArrayLayout::wide) text += ":wide";
  return is_trace ? text : text + fmt::format(":seed={}", spec.seed);
}

CaseSpec parse_case(std::string_view text) {
  const std::vector<std::string_view> parts = split(text, ':');
  if (parts.size() < 2) {
    refuse_case(text, "is no case",
                "write OPERATION:SHAPE:..., as in decode:llama3-8b:s=513:int2:seed=7");
  }
  Unresolved parsed;
  parsed.spec.operation = parse_operation(parts[0]);
  set_shape(parsed.spec, parts[1]);
  for (std::size_t i = 2; i < parts.size(); ++i) {
    const std::size_t equals = parts[i].find('=');
    if (equals == std::string_view::npos) {
      set_word(parsed.spec, parts[i]);
    } else {
      set_value(parsed, parts[i], parts[i].substr(0, equals), parts[i].substr(equals + 1));
    }
  }
  return resolved(parsed, text);
}

}  // namespace mikv::kernel_test
