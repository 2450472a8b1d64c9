// SPDX-License-Identifier: Apache-2.0
#include "tools/plan/log/engine_log.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace mikv::tools {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The text behind a phrase, blanks skipped; empty if it is not there.
std::string_view behind(std::string_view line, std::string_view phrase) {
  const std::size_t at = line.find(phrase);
  if (at == std::string_view::npos) return {};
  std::string_view rest = line.substr(at + phrase.size());
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  return rest;
}

// Digits with thousands separated by commas, up to 2^32.
std::optional<std::int64_t> whole_number(std::string_view text) {
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool separator =
        text[i] == ',' && !digits.empty() && i + 1 < text.size() && is_digit(text[i + 1]);
    if (separator) continue;
    if (!is_digit(text[i])) break;
    digits += text[i];
  }
  constexpr std::size_t kMaxDigits = 18;
  if (digits.empty() || digits.size() > kMaxDigits) return std::nullopt;
  std::int64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  constexpr std::int64_t kMost = std::int64_t{1} << 32;
  return value <= kMost ? std::optional(value) : std::nullopt;
}

// A decimal number; how many decimals were printed says how it was rounded.
std::optional<Printed> printed_number(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size() && is_digit(text[end])) ++end;
  std::size_t decimals = 0;
  if (end > 0 && end + 1 < text.size() && text[end] == '.' && is_digit(text[end + 1])) {
    ++end;
    while (end < text.size() && is_digit(text[end])) ++end, ++decimals;
  }
  Printed printed;
  const std::string_view digits = text.substr(0, end);
  const auto [at, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), printed.value);
  constexpr double kMost = 1e12;
  if (end == 0 || error != std::errc() || printed.value > kMost) return std::nullopt;
  printed.half_digit = 0.5 * std::pow(10.0, -static_cast<double>(decimals));
  return printed;
}

template <typename Number, typename Less>
void keep_least(std::optional<Number>& kept, const std::optional<Number>& found, const Less& less) {
  if (found && (!kept || less(*found, *kept))) kept = found;
}

void keep_least(std::optional<std::int64_t>& kept, const std::optional<std::int64_t>& found) {
  keep_least(kept, found, [](std::int64_t a, std::int64_t b) { return a < b; });
}

void keep_least(std::optional<Printed>& kept, const std::optional<Printed>& found) {
  keep_least(kept, found, [](const Printed& a, const Printed& b) { return a.value < b.value; });
}

// "Maximum concurrency for 32,768 tokens per request: 4.57x"
bool read_concurrency(std::string_view line, EngineLog& log) {
  const std::string_view rest = behind(line, "Maximum concurrency for ");
  if (rest.empty()) return false;
  log.context = whole_number(rest);
  keep_least(log.concurrency, printed_number(behind(rest, "tokens per request:")));
  return log.context.has_value();
}

// "... max seq len (30000), (6.66 GiB KV cache is needed, which is larger than the available KV
// cache memory (5.44 GiB). ... the estimated maximum model length is 13528"
bool read_refusal(std::string_view line, EngineLog& log) {
  const std::size_t needed = line.find(" GiB KV cache is needed");
  if (needed == std::string_view::npos) return false;
  const std::size_t begin = line.rfind('(', needed);
  if (begin == std::string_view::npos) return false;
  log.needed_gib = printed_number(line.substr(begin + 1));
  log.context = whole_number(behind(line, "max seq len ("));
  keep_least(log.available_gib, printed_number(behind(line, "available KV cache memory (")));
  log.longest = whole_number(behind(line, "estimated maximum model length is "));
  return log.needed_gib.has_value();
}

bool read_vllm(std::string_view line, EngineLog& log) {
  bool found = read_concurrency(line, log);
  if (read_refusal(line, log)) found = true;
  if (const auto blocks = whole_number(behind(line, "# GPU blocks:"))) {
    keep_least(log.blocks, blocks);
    log.first_engine = true;
    found = true;
  }
  if (const auto tokens = whole_number(behind(line, "GPU KV cache size:"))) {
    keep_least(log.tokens, tokens);
    found = true;
  }
  if (const auto memory = printed_number(behind(line, "Available KV cache memory:"))) {
    keep_least(log.available_gib, memory);
    found = true;
  }
  return found;
}

// "KV Cache is allocated. #tokens: 46611, K size: 1.42 GB, V size: 1.42 GB", or "KV size: 2.84 GB".
bool read_sglang(std::string_view line, EngineLog& log) {
  const std::string_view rest = behind(line, "KV Cache is allocated. ");
  const auto tokens = whole_number(behind(rest, "#tokens:"));
  if (!tokens) return false;
  keep_least(log.tokens, tokens);
  std::optional<Printed> pool = printed_number(behind(rest, "KV size:"));
  const auto keys = printed_number(behind(rest, ", K size:"));
  const auto values = printed_number(behind(rest, "V size:"));
  if (!pool && keys && values) {
    pool = Printed{keys->value + values->value, keys->half_digit + values->half_digit};
  }
  keep_least(log.pool_gib, pool);
  return true;
}

// "size = 4352.00 MiB (262144 cells, 8 layers, 4/1 seqs), K (f16): ..."
bool read_llamacpp(std::string_view line, EngineLog& log) {
  const bool recurrent = line.find("recurrent") != std::string_view::npos;
  if (!recurrent && line.find("kv_cache") == std::string_view::npos) return false;
  const std::string_view rest = behind(line, "size =");
  const auto mib = printed_number(rest);
  const std::string_view counts = behind(rest, "MiB (");
  const auto cells = whole_number(counts);
  const auto layers = whole_number(behind(behind(counts, "cells"), ","));
  const auto sequences = whole_number(behind(behind(counts, "layers"), ","));
  if (!mib || !cells || !layers || !sequences) return false;
  log.cells.push_back({*mib, *cells, *layers, *sequences, recurrent});
  return true;
}

void read_line(std::string_view line, EngineLog& log) {
  const auto claim = [&log](const char* engine, bool found) {
    if (found && log.engine.empty()) log.engine = engine;
  };
  claim("sglang", read_sglang(line, log));
  claim("llamacpp", read_llamacpp(line, log));
  claim("vllm", read_vllm(line, log));
}

}  // namespace

std::optional<EngineLog> parse_engine_log(std::string_view text) {
  EngineLog log;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    read_line(text.substr(begin, end - begin), log);
    begin = end + 1;
  }
  if (log.engine.empty()) return std::nullopt;
  return log;
}

}  // namespace mikv::tools
