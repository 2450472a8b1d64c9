// SPDX-License-Identifier: Apache-2.0
// Any bytes as a model's config.json: refused with one printable line, or a shape that can be
// planned with.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/error.h"
#include "tools/plan/kv/token_bytes.h"
#include "tools/plan/model/config_reader.h"
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

}  // namespace
}  // namespace mikv::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    mikv::test::check_accepted(
        mikv::tools::read_config("fuzz", mikv::tools::parse_json(text, "fuzz", "repair it")));
  } catch (const mikv::InputError& error) {
    mikv::test::require(mikv::escape(error.what()) == error.what());
  }
  return 0;
}
