// SPDX-License-Identifier: Apache-2.0
#include "tools/report/trace_text.h"

#include <fmt/format.h>

#include "core/error.h"
#include "tools/options/layer_list.h"
#include "tools/report/number_text.h"

namespace mikv::tools {

std::string trace_text(const trace::TraceReader& reader) {
  const trace::TraceHeader& header = reader.header();
  const trace::TraceIndex& index = reader.index();
  std::string text = fmt::format(
      "file         {} ({})\n"
      "model        {}\n"
      "description  {}\n"
      "shape        {} query heads, {} KV heads, head_dim {}, {}\n"
      "tokens       {} prompt, {} decode\n"
      "scale        {}\n"
      "layers       {} of {}: {}\n",
      escape(reader.path()), bytes_text(static_cast<std::int64_t>(reader.file_bytes())),
      escape(header.model), escape(header.description), header.shape.query_heads,
      header.shape.kv_heads, header.shape.head_dim, element_name(index.element),
      header.prompt_length, header.decode_length, header.softmax_scale, index.layers.size(),
      header.num_layers, layer_list_text(reader.layers()));
  for (const auto& [layer, tensors] : index.layers) {
    if (const auto feature = trace::unsupported_feature(header, layer)) {
      text += fmt::format("             layer {} has {}: no replay\n", layer, *feature);
    }
  }
  for (const std::string& name : index.unused_tensors) {
    text += fmt::format("unused       {}\n", escape(name));
  }
  return text;
}

}  // namespace mikv::tools
