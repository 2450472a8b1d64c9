// SPDX-License-Identifier: Apache-2.0
// A cache meets in the profile llama-like what it meets in recordings.
#include <cmath>
#include <nlohmann/json.hpp>

#include "reference/ground_truth/attention.h"
#include "tests/support/catch.h"
#include "tests/support/run_program.h"
#include "tests/support/temporary_folder.h"
#include "trace/synth/synth.h"
#include "trace/trace_reader.h"

namespace mikv::test {
namespace {

using trace::synth::SynthSpec;

class Synthetic {
 public:
  explicit Synthetic(const SynthSpec& spec) : path_(folder_.file("trace.safetensors")) {
    trace::synth::synthesize(spec, path_);
  }
  // The total of a replay's report.
  [[nodiscard]] nlohmann::json replay(const std::vector<std::string>& options) const {
    std::vector<std::string> arguments{"replay", path_, "--json", "-", "--threads", "2"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const ProgramResult result = run_mikv(arguments);
    INFO(result.error);
    REQUIRE(result.exit_code == 0);
    return nlohmann::json::parse(result.out)["total"];
  }
  [[nodiscard]] trace::TraceReader open() const { return trace::TraceReader(path_); }

 private:
  TemporaryFolder folder_;
  std::string path_;
};

SynthSpec spec_of(AttentionShape shape, std::uint64_t seed,
                  const std::string& profile = "llama-like") {
  return {.profile = profile,
          .layers = 2,
          .shape = shape,
          .prompt_length = 320,
          .decode_length = 24,
          .element = ElementType::f16,
          .seed = seed};
}

double number(const nlohmann::json& total, const char* field) {
  return total[field].get<double>();
}

// How much of the attention of the last row goes to the first tokens, in the mean of the heads.
double sink_mass(const trace::TraceReader& reader, std::int64_t sinks) {
  double mass = 0;
  int heads = 0;
  for (const std::int64_t i : reader.layers()) {
    const LayerView layer = reader.layer(i);
    const std::int64_t tokens = layer.tokens();
    for (std::int64_t head = 0; head < layer.q.heads; ++head) {
      const std::int64_t kv_head = head / layer.shape.group_ratio();
      const auto q = ground_truth::decode_head(layer.q, head, tokens);
      const auto k = ground_truth::decode_head(layer.k, kv_head, tokens);
      const auto row =
          ground_truth::attend(q.row(tokens - 1), k, k, tokens, layer.softmax_scale, {});
      for (std::int64_t j = 0; j < sinks; ++j) mass += std::exp(row.log_p(0, j));
      ++heads;
    }
  }
  return mass / heads;
}

TEST_CASE("llama-like: balancer and heavy hitters pay, as on recordings") {
  const auto shape =
      GENERATE(values<AttentionShape>({{4, 4, 64}, {8, 2, 128}, {7, 1, 96}, {2, 2, 256}}));
  const std::uint64_t seed = GENERATE(0U, 1U);
  INFO("D " << shape.head_dim << ", seed " << seed);
  const Synthetic trace(spec_of(shape, seed));
  const auto h2o = trace.replay({});  // 20 % in fp16, the others in int2
  const auto unbalanced = trace.replay({"--no-balancer"});
  const auto random = trace.replay({"--policy", "random"});
  const auto uniform = trace.replay({"--importance-ratio", "0"});
  const auto fine = trace.replay({"--retained-format", "int4"});
  CHECK(number(h2o, "key_error") < 0.9 * number(unbalanced, "key_error"));
  CHECK(number(h2o, "attention_kl") < 0.7 * number(unbalanced, "attention_kl"));
  CHECK(number(h2o, "output_error") < 0.8 * number(random, "output_error"));
  CHECK(number(h2o, "output_error") < 0.8 * number(uniform, "output_error"));
  CHECK(number(fine, "output_error") < 0.3 * number(h2o, "output_error"));
  CHECK(number(h2o, "output_error") < 0.6);
  CHECK(number(h2o, "attention_kl") < 0.3);
}

TEST_CASE("llama-like: eviction loses most where the lost tokens are not the light ones") {
  const Synthetic trace(spec_of({8, 2, 128}, 0));
  const auto h2o = trace.replay({"--retained-format", "none"});
  const auto random = trace.replay({"--retained-format", "none", "--policy", "random"});
  CHECK(number(h2o, "output_error") < 0.5 * number(random, "output_error"));
}

TEST_CASE("llama-like: the first tokens are attention sinks, as in no gaussian trace") {
  for (const std::uint64_t seed : {0U, 1U, 2U}) {
    const SynthSpec spec = spec_of({8, 2, 128}, seed);
    const double mass = sink_mass(Synthetic(spec).open(), 4);
    CHECK(mass > 0.15);
    CHECK(mass < 0.9);
  }
  CHECK(sink_mass(Synthetic(spec_of({8, 2, 128}, 0, "gaussian")).open(), 4) < 0.05);
}

TEST_CASE("llama-like: the sinks of a long prompt keep a notable mass") {
  SynthSpec spec = spec_of({4, 4, 128}, 0);
  spec.prompt_length = 4096;
  spec.decode_length = 1;
  CHECK(sink_mass(Synthetic(spec).open(), 4) > 0.1);
}

TEST_CASE("gaussian: without outliers and heavy hitters neither balancer nor policy pays") {
  const Synthetic trace(spec_of({8, 2, 128}, 0, "gaussian"));
  const auto h2o = trace.replay({});
  const auto unbalanced = trace.replay({"--no-balancer"});
  CHECK(number(h2o, "key_error") > 0.95 * number(unbalanced, "key_error"));
  CHECK(number(h2o, "output_error") >
        0.8 * number(trace.replay({"--policy", "random"}), "output_error"));
}

TEST_CASE("head dimensions of models replay, in both element types") {
  const auto head_dim = GENERATE(64, 80, 96, 112, 128, 192, 256);
  const auto element = GENERATE(ElementType::f16, ElementType::bf16);
  SynthSpec spec = spec_of({16, 1, head_dim}, 0);
  spec.layers = 1;
  spec.prompt_length = 70;
  spec.decode_length = 4;
  spec.element = element;
  CHECK(number(Synthetic(spec).replay({}), "kernel_error") < 1e-3);
}

}  // namespace
}  // namespace mikv::test
