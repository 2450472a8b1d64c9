// SPDX-License-Identifier: Apache-2.0
#include "tests/support/trace_builder.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "tests/support/random_numbers.h"
#include "trace/safetensors_dtype.h"
#include "trace/safetensors_writer.h"

namespace mikv::test {
namespace {

// Rounds to a multiple of the format's spacing at the value; halves to even; no overflow expected.
std::uint32_t to_half_bits(float value) {
  const std::uint32_t sign = std::signbit(value) ? 0x8000U : 0U;
  const double magnitude = std::fabs(static_cast<double>(value));
  if (magnitude == 0) return sign;
  if (std::isinf(magnitude)) return sign | 0x7c00U;
  if (std::isnan(magnitude)) return sign | 0x7e00U;
  const int exponent = std::max(std::ilogb(magnitude), -14);
  const auto significand =
      static_cast<std::uint32_t>(std::nearbyint(std::ldexp(magnitude, 10 - exponent)));
  // A significand that rounded up to 2048 carries into the exponent by itself.
  return sign | (static_cast<std::uint32_t>(exponent + 14) * 1024U + significand);
}

std::uint32_t to_bf16_bits(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return (bits >> 16) | 0x40U;
  return (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
}

using Values = std::vector<float>;  // [heads, tokens, head_dim]

float from_element(std::uint32_t bits, ElementType type) {
  if (type == ElementType::f32) return std::bit_cast<float>(bits);
  if (type == ElementType::bf16) return std::bit_cast<float>(bits << 16);
  const std::uint32_t exponent = (bits >> 10) & 31U;
  const std::uint32_t fraction = bits & 1023U;
  const double magnitude = exponent == 0
                               ? std::ldexp(fraction, -24)
                               : std::ldexp(1024.0 + fraction, static_cast<int>(exponent) - 25);
  return static_cast<float>((bits & 0x8000U) != 0 ? -magnitude : magnitude);
}

class Builder {
 public:
  explicit Builder(const TraceSpec& spec) : spec_(spec), random_(spec.seed) {}

  void write(const std::string& path) {
    trace::SafetensorsWriter writer(path, metadata(spec_), specs());
    for (std::int64_t layer = 0; layer < spec_.layers; ++layer) {
      const std::string prefix = "layers." + std::to_string(layer) + ".";
      const Values q = generate(prefix + "q", spec_.query_heads);
      const Values k = generate(prefix + "k", spec_.kv_heads);
      const Values v = generate(prefix + "v", spec_.kv_heads);
      write_values(writer, q);
      write_values(writer, k);
      write_values(writer, v);
      if (spec_.output) write_values(writer, attention(prefix + "o", q, k, v));
    }
    writer.commit();
  }

 private:
  std::vector<trace::TensorSpec> specs() const {
    std::vector<trace::TensorSpec> specs;
    const std::vector<std::string> parts = spec_.output
                                               ? std::vector<std::string>{"q", "k", "v", "o"}
                                               : std::vector<std::string>{"q", "k", "v"};
    for (std::int64_t layer = 0; layer < spec_.layers; ++layer) {
      for (const std::string& part : parts) {
        const std::int64_t heads = part == "q" || part == "o" ? spec_.query_heads : spec_.kv_heads;
        specs.push_back(
            {"layers." + std::to_string(layer) + "." + part,
             std::string(trace::dtype_name(spec_.element)),
             {static_cast<std::uint64_t>(heads), static_cast<std::uint64_t>(spec_.tokens()),
              static_cast<std::uint64_t>(spec_.head_dim)}});
      }
    }
    return specs;
  }

  float changed(const std::string& name, std::size_t index, float value) const {
    if (!spec_.change) return value;
    const auto i = static_cast<std::int64_t>(index);
    const std::int64_t row = i / spec_.head_dim;
    return spec_.change(name, row / spec_.tokens(), row % spec_.tokens(), i % spec_.head_dim,
                        value);
  }

  float rounded(float value) const {
    return from_element(to_element(value, spec_.element), spec_.element);
  }

  Values generate(const std::string& name, std::int64_t heads) {
    Values values(static_cast<std::size_t>(heads * spec_.tokens() * spec_.head_dim));
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto value = static_cast<float>(random_.normal() * spec_.standard_deviation);
      values[i] = rounded(changed(name, i, value));
    }
    return values;
  }

  Values attention(const std::string& name, const Values& q, const Values& k,
                   const Values& v) const {
    Values o(q.size());
    const std::int64_t tokens = spec_.tokens();
    const std::int64_t channels = spec_.head_dim;
    const double scale = 1 / std::sqrt(static_cast<double>(channels));
    for (std::int64_t head = 0; head < spec_.query_heads; ++head) {
      const std::int64_t kv = head / (spec_.query_heads / spec_.kv_heads);
      for (std::int64_t i = 0; i < tokens; ++i) {
        const auto at = [&](std::int64_t h, std::int64_t t, std::int64_t c) {
          return static_cast<std::size_t>((h * tokens + t) * channels + c);
        };
        std::vector<double> weights;
        double sum = 0;
        for (std::int64_t j = 0; j <= i; ++j) {
          double dot = 0;
          for (std::int64_t c = 0; c < channels; ++c) {
            dot += static_cast<double>(q[at(head, i, c)]) * static_cast<double>(k[at(kv, j, c)]);
          }
          weights.push_back(std::exp(scale * dot));
          sum += weights.back();
        }
        for (std::int64_t c = 0; c < channels; ++c) {
          double value = 0;
          for (std::int64_t j = 0; j <= i; ++j) {
            value +=
                weights[static_cast<std::size_t>(j)] / sum * static_cast<double>(v[at(kv, j, c)]);
          }
          o[at(head, i, c)] = changed(name, at(head, i, c), static_cast<float>(value));
        }
      }
    }
    return o;
  }

  void write_values(trace::SafetensorsWriter& writer, const Values& values) const {
    std::string bytes;
    const auto size = static_cast<std::size_t>(element_bytes(spec_.element));
    for (const float value : values) {
      const std::uint32_t bits = to_element(value, spec_.element);
      bytes.append(reinterpret_cast<const char*>(&bits), size);
    }
    writer.write(std::as_bytes(std::span(bytes)));
  }

  const TraceSpec& spec_;
  RandomNumbers random_;
};

}  // namespace

std::map<std::string, std::string> metadata(const TraceSpec& spec) {
  char scale[32];
  std::snprintf(scale, sizeof scale, "%.17g", 1 / std::sqrt(static_cast<double>(spec.head_dim)));
  return {
      {"format", "mikv-trace"},
      {"version", "1"},
      {"model", "test"},
      {"description", "random numbers"},
      {"num_layers", std::to_string(spec.layers)},
      {"num_query_heads", std::to_string(spec.query_heads)},
      {"num_kv_heads", std::to_string(spec.kv_heads)},
      {"head_dim", std::to_string(spec.head_dim)},
      {"prompt_length", std::to_string(spec.prompt_length)},
      {"decode_length", std::to_string(spec.decode_length)},
      {"softmax_scale", scale},
      {"layout", "heads,tokens,head_dim"},
      {"rope", "applied"},
  };
}

void write_trace(const TraceSpec& spec, const std::string& path) {
  Builder(spec).write(path);
}

std::string safetensors_file(const std::string& header, const std::string& data) {
  const std::uint64_t length = header.size();
  std::string file(reinterpret_cast<const char*>(&length), sizeof length);
  return file + header + data;
}

std::uint32_t to_element(float value, ElementType type) {
  switch (type) {
    case ElementType::f16:
      return to_half_bits(value);
    case ElementType::bf16:
      return to_bf16_bits(value);
    case ElementType::f32:
      return std::bit_cast<std::uint32_t>(value);
  }
  return 0;
}

}  // namespace mikv::test
