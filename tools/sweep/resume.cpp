// SPDX-License-Identifier: Apache-2.0
#include "tools/sweep/resume.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "core/error.h"
#include "tools/report/document.h"
#include "tools/report/replay_json.h"
#include "tools/report/replay_report.h"
#include "tools/support/json_file.h"
#include "tools/support/open_trace.h"
#include "trace/value_check.h"

namespace mikv::tools {
namespace {

using nlohmann::json;

constexpr const char* kRemedy = "give the file of the sweep to go on with, or another --json";

json read_document(const std::string& path) {
  json document = read_json_file(path, kRemedy);
  if (!document.is_object() || document.value("kind", json()) != "sweep") {
    throw InputError(path, "kind", "is not 'sweep'", kRemedy);
  }
  const json own = new_document("sweep");
  for (const char* member : {"schema_version", "program"}) {
    if (document.value(member, json()) == own[member]) continue;
    throw InputError(path, member, "is not this program's, whose numbers may differ",
                     "sweep anew, with another --json");
  }
  for (const char* member : {"traces", "cells"}) {
    if (!document.value(member, json()).is_array()) {
      throw InputError(path, member, "is missing or no array", kRemedy);
    }
  }
  return document;
}

// Reads the traces, whose bytes may have changed under the same name.
void read_traces(Sweep& sweep) {
  for (SweepTrace& trace : sweep.traces) {
    const trace::TraceReader reader = open_trace(trace.path);
    trace.trace = trace_json(reader, trace::check_values(reader));
  }
}

// The sweep's trace of each of the file's.
std::vector<std::size_t> match_traces(const Sweep& sweep, const std::string& path,
                                      const json& traces) {
  std::vector<std::size_t> matches;
  for (std::size_t i = 0; i < traces.size(); ++i) {
    const std::string field = "traces[" + std::to_string(i) + "].checksum";
    if (!traces[i].is_object() || !traces[i].value("checksum", json()).is_string()) {
      throw InputError(path, field, "is missing or no string", kRemedy);
    }
    const auto found = std::find_if(
        sweep.traces.begin(), sweep.traces.end(),
        [&](const SweepTrace& trace) { return trace.trace["checksum"] == traces[i]["checksum"]; });
    if (found == sweep.traces.end()) {
      throw InputError(path, field, "is of none of the traces that are given", kRemedy);
    }
    matches.push_back(static_cast<std::size_t>(found - sweep.traces.begin()));
  }
  return matches;
}

// Of each trace, as its cells have them.
std::vector<std::vector<json>> configurations(const Sweep& sweep) {
  std::vector<std::vector<json>> lists;
  for (const SweepTrace& trace : sweep.traces) {
    std::vector<json>& list = lists.emplace_back();
    const auto head_dim = trace.trace["head_dim"].get<std::int64_t>();
    for (const CacheConfig& setting : sweep.settings) {
      list.push_back(configuration_json(setting, head_dim));
    }
  }
  return lists;
}

void require_layers_of(const SweepTrace& trace, const std::string& path, const std::string& field,
                       const json& cell) {
  json layers = json::array();
  for (const json& layer : cell["layers"]) layers.push_back(layer["layer"]);
  if (layers == trace.trace["recorded_layers"]) return;
  throw InputError(path, field + "layers", "are not the trace's", kRemedy);
}

}  // namespace

void resume(Sweep& sweep, const std::string& path) {
  if (!std::filesystem::exists(path)) return;
  json document = read_document(path);
  read_traces(sweep);
  const std::vector<std::size_t> matches = match_traces(sweep, path, document["traces"]);
  const std::vector<std::vector<json>> settings = configurations(sweep);
  for (std::size_t i = 0; i < document["cells"].size(); ++i) {
    json& cell = document["cells"][i];
    const std::string field = "cells[" + std::to_string(i) + "].";
    const json number = cell.is_object() ? cell.value("trace", json()) : json();
    if (!number.is_number_unsigned() || number.get<std::size_t>() >= matches.size()) {
      throw InputError(path, field + "trace", "is none of the file's traces", kRemedy);
    }
    require_rows(path, field, cell);
    const std::size_t match = matches[number.get<std::size_t>()];
    SweepTrace& trace = sweep.traces[match];
    require_layers_of(trace, path, field, cell);
    const std::vector<json>& known = settings[match];
    const auto found = std::find(known.begin(), known.end(), cell["configuration"]);
    if (found == known.end()) {
      throw InputError(path, field + "configuration",
                       "is none of the settings that are given: its numbers would be lost",
                       "give this setting too, or another --json");
    }
    trace.cells[static_cast<std::size_t>(found - known.begin())] = {
        {"configuration", std::move(cell["configuration"])},
        {"layers", std::move(cell["layers"])},
        {"total", std::move(cell["total"])}};
  }
}

}  // namespace mikv::tools
