// SPDX-License-Identifier: Apache-2.0
// What an engine's start-up log says of its KV cache.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mikv::tools {

/// A number as it was printed: any value within half of its last digit is possible.
struct Printed {
  double value = 0;
  double half_digit = 0;
  [[nodiscard]] double low() const { return value - half_digit; }
  [[nodiscard]] double high() const { return value + half_digit; }
};

/// llama.cpp's line of one cache: layers of one kind, or recurrent states.
struct CellsLine {
  Printed mib;
  std::int64_t cells = 0;
  std::int64_t layers = 0;
  std::int64_t sequences = 0;
  bool recurrent = false;
};

/// The numbers of one log; workers print theirs, of which the smallest counts.
struct EngineLog {
  std::string engine;                    ///< vllm, sglang or llamacpp
  bool first_engine = false;             ///< vLLM V0
  std::optional<Printed> available_gib;  ///< memory for KV of one GPU
  std::optional<std::int64_t> blocks;    ///< vLLM V0
  std::optional<std::int64_t> tokens;    ///< the pool
  std::optional<std::int64_t> context;   ///< tokens a request of the concurrency
  std::optional<Printed> concurrency;
  std::optional<Printed> needed_gib;    ///< of one request that does not fit
  std::optional<std::int64_t> longest;  ///< context that would fit instead
  std::optional<Printed> pool_gib;      ///< SGLang: K and V together
  std::vector<CellsLine> cells;         ///< llama.cpp
};

/// Reads the lines that it knows; nullopt if there is none.
[[nodiscard]] std::optional<EngineLog> parse_engine_log(std::string_view text);

}  // namespace mikv::tools
