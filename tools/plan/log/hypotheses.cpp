// SPDX-License-Identifier: Apache-2.0
#include "tools/plan/log/hypotheses.h"

#include <algorithm>

#include "core/error.h"
#include "tools/plan/log/log_check.h"

namespace mikv::tools {
namespace {

struct Hypothesis {
  std::string text;
  PlanRequest request;
};

// Every attention layer keeps all tokens, as without an engine's hybrid cache manager.
PlanRequest without_windows(PlanRequest request) {
  for (NumberedLayer& layer : request.model.layers) {
    if (layer.shape.window == 0) continue;
    layer.shape.kind = LayerKind::full;
    layer.shape.window = 0;
  }
  return request;
}

class Hypotheses {
 public:
  explicit Hypotheses(const PlanRequest& request) : request_(request) {}

  std::vector<Hypothesis> all(const std::string& engine) {
    if (engine == engines::vllm.name) {
      for (const char* version : {"0.7", "0.10", "0.18", "0.20"}) {
        change("--engine-version " + std::string(version),
               [&](PlanRequest& request) { request.engine.version = version; });
      }
      for (const std::int64_t tokens : {2048, 4096, 16'384, 32'768}) {
        change("--max-batched-tokens " + std::to_string(tokens),
               [&](PlanRequest& request) { request.engine.max_batched_tokens = tokens; });
      }
    }
    formats();
    layouts();
    return std::move(hypotheses_);
  }

 private:
  template <typename Change>
  void change(const std::string& text, const Change& apply) {
    Hypothesis hypothesis{text, request_};
    apply(hypothesis.request);
    hypotheses_.push_back(std::move(hypothesis));
  }

  void formats() {
    for (const char* kv : {"native", "fp8", "int8", "int4", "nvfp4", "q8_0", "q4_0"}) {
      change("--kv " + std::string(kv), [&](PlanRequest& request) { request.kv.kv = kv; });
    }
  }

  void layouts() {
    for (const std::int64_t tensor_parallel : {1, 2, 4, 8}) {
      change("--tensor-parallel " + std::to_string(tensor_parallel),
             [&](PlanRequest& request) { request.kv.tensor_parallel = tensor_parallel; });
    }
    for (const std::int64_t layers : {1, 2, 3}) {
      change("--draft-layers " + std::to_string(layers) + ": MTP or EAGLE layers have a cache too",
             [&](PlanRequest& request) { request.kv.draft_layers = layers; });
    }
    for (const std::int64_t page : {16, 32, 64, 128, 256}) {
      change("--page-size " + std::to_string(page),
             [&](PlanRequest& request) { request.engine.page_size = page; });
    }
    for (const std::int64_t ubatch : {256, 1024, 2048}) {
      change("--ubatch " + std::to_string(ubatch),
             [&](PlanRequest& request) { request.engine.ubatch = ubatch; });
    }
    const bool windows =
        std::any_of(request_.model.layers.begin(), request_.model.layers.end(),
                    [](const NumberedLayer& layer) { return layer.shape.window > 0; });
    if (windows) {
      hypotheses_.push_back(
          {"all layers keep all tokens: no hybrid cache manager", without_windows(request_)});
    }
  }

  const PlanRequest& request_;
  std::vector<Hypothesis> hypotheses_;
};

// An option that the model or the engine does not have explains nothing.
bool explains(const Hypothesis& hypothesis, const EngineLog& log) {
  try {
    return agrees(compare_log(log, hypothesis.request));
  } catch (const UsageError&) {
    return false;
  }
}

}  // namespace

std::vector<std::string> explanations(const EngineLog& log, const PlanRequest& request) {
  std::vector<std::string> found;
  for (const Hypothesis& hypothesis : Hypotheses(request).all(log.engine)) {
    if (explains(hypothesis, log)) found.push_back(hypothesis.text);
  }
  return found;
}

}  // namespace mikv::tools
