// SPDX-License-Identifier: Apache-2.0
// Any bytes as a model's config.json: refused with one printable line, or a shape that engines can
// be asked about.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/error.h"
#include "tools/plan/model/config_reader.h"
#include "tools/plan/planner.h"
#include "tools/support/json_file.h"

namespace mikv::test {
namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void check_accepted(const tools::ModelShape& model) {
  require(!model.layers.empty() && model.query_heads > 0);
  std::int64_t last = -1;
  for (const tools::NumberedLayer& layer : model.layers) {
    require(layer.layer > last && layer.layer < model.num_layers);
    last = layer.layer;
    const bool keeps_tokens = layer.shape.kind != tools::LayerKind::recurrent;
    require((layer.shape.kv_heads > 0 && layer.shape.key_dim > 0) == keeps_tokens);
    const bool bounded = layer.shape.kind == tools::LayerKind::sliding ||
                         layer.shape.kind == tools::LayerKind::chunked;
    require((layer.shape.window > 0) == bounded);
  }
}

void plan_for_all_engines(const tools::ModelShape& model) {
  tools::PlanRequest request;
  request.model = model;
  request.kv_memory = std::int64_t{80} << 30;
  for (const tools::EngineInfo* engine : tools::engine_list()) {
    try {
      const tools::PlanAnswer answer = tools::plan(request, *engine);
      require(answer.sequence.total() > 0 && answer.sequence.paper() <= answer.sequence.total());
    } catch (const UsageError&) {
      continue;  // such as states, which SGLang's rules leave out
    }
  }
}

}  // namespace
}  // namespace mikv::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const auto model =
        mikv::tools::read_config("fuzz", mikv::tools::parse_json(text, "fuzz", "repair it"));
    mikv::test::check_accepted(model);
    mikv::test::plan_for_all_engines(model);
  } catch (const mikv::InputError& error) {
    mikv::test::require(mikv::escape(error.what()) == error.what());
  }
  return 0;
}
