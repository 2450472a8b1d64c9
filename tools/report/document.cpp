// SPDX-License-Identifier: Apache-2.0
#include "tools/report/document.h"

#include "tools/support/version.h"

namespace mikv::tools {

nlohmann::json new_document(std::string_view kind) {
  const Version program = version();
  return {
      {"kind", kind},
      {"schema_version", kSchemaVersion},
      {"program",
       {{"name", "mikv"},
        {"version", program.version},
        {"commit", program.commit},
        {"compiler", program.compiler},
        {"isa", program.isa},
        {"cuda", program.cuda}}},
  };
}

nlohmann::json trace_json(const trace::TraceReader& reader, const std::string& checksum) {
  const trace::TraceHeader& header = reader.header();
  return {
      {"file", reader.path()},
      {"bytes", reader.file_bytes()},
      {"checksum", checksum},
      {"model", header.model},
      {"description", header.description},
      {"element_type", element_name(reader.index().element)},
      {"num_layers", header.num_layers},
      {"recorded_layers", reader.layers()},
      {"num_query_heads", header.shape.query_heads},
      {"num_kv_heads", header.shape.kv_heads},
      {"head_dim", header.shape.head_dim},
      {"prompt_length", header.prompt_length},
      {"decode_length", header.decode_length},
      {"softmax_scale", header.softmax_scale},
  };
}

std::string to_text(const nlohmann::json& document) {
  // Metadata may hold any bytes that were valid UTF-8; replace keeps a bad path from throwing.
  return document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace mikv::tools
