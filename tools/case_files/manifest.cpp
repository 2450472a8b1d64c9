// SPDX-License-Identifier: Apache-2.0
#include "tools/case_files/manifest.h"

#include "core/error.h"
#include "tools/case_files/case_file.h"
#include "tools/report/document.h"
#include "tools/support/json_file.h"

namespace mikv::tools {
namespace {

using kernel_test::CaseArray;
using kernel_test::CaseSpec;
using kernel_test::KernelCase;

// What a manifest may ask for: memory and time of the reference.
constexpr std::size_t kMaxCases = 10'000;
constexpr std::int64_t kMaxTokens = 32'768;
constexpr std::int64_t kMaxElements = std::int64_t{1} << 26;  // of the queries

constexpr std::string_view kRemedy = "export the cases again with 'mikv cases export'";

// Half-open ranges of the rows of a head that are outputs.
nlohmann::json row_ranges(const CaseArray& array, std::int64_t sequence, std::int64_t head) {
  nlohmann::json ranges = nlohmann::json::array();
  for (std::int64_t row = 0; row < array.size().rows; ++row) {
    if (!array.is_output(sequence, head, row)) continue;
    if (!ranges.empty() && ranges.back()[1] == row) {
      ranges.back()[1] = row + 1;
    } else {
      ranges.push_back({row, row + 1});
    }
  }
  return ranges;
}

nlohmann::json output_entry(const CaseArray& array, bool optional) {
  nlohmann::json rows = nlohmann::json::array();
  for (std::int64_t sequence = 0; sequence < array.size().sequences; ++sequence) {
    nlohmann::json heads = nlohmann::json::array();
    for (std::int64_t head = 0; head < array.size().heads; ++head) {
      heads.push_back(row_ranges(array, sequence, head));
    }
    rows.push_back(heads);
  }
  const trace::TensorSpec tensor = tensor_spec(array);
  return {{"name", tensor.name},
          {"dtype", tensor.dtype},
          {"shape", tensor.shape},
          {"optional", optional},
          {"rows", rows}};
}

// The file is looked for in another folder: it must not lead out of it.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

class ManifestReader {
 public:
  explicit ManifestReader(const std::string& path)
      : path_(path), json_(read_json_file(path, kRemedy)) {}

  std::vector<ExportedCase> read() const {
    if (!json_.is_object() || json_.value("kind", nlohmann::json()) != "cases") {
      refuse("kind", "is not 'cases'");
    }
    if (json_.value("schema_version", nlohmann::json()) != kSchemaVersion) {
      refuse("schema_version", "is not " + std::to_string(kSchemaVersion));
    }
    if (!json_.contains("cases") || !json_["cases"].is_array() || json_["cases"].empty()) {
      refuse("cases", "is missing, empty or no array");
    }
    if (json_["cases"].size() > kMaxCases) {
      refuse("cases", "has more than " + std::to_string(kMaxCases) + " entries");
    }
    std::vector<ExportedCase> cases;
    cases.reserve(json_["cases"].size());
    for (std::size_t i = 0; i < json_["cases"].size(); ++i) {
      cases.push_back(read_case(json_["cases"][i], "cases[" + std::to_string(i) + "]"));
    }
    return cases;
  }

 private:
  [[noreturn]] void refuse(const std::string& field, const std::string& problem) const {
    throw InputError(path_, field, problem, kRemedy);
  }

  std::string text(const nlohmann::json& entry, const std::string& field, const char* name) const {
    if (!entry.is_object() || !entry.contains(name) || !entry[name].is_string()) {
      refuse(field + "." + name, "is missing or no text");
    }
    return entry[name].get<std::string>();
  }

  ExportedCase read_case(const nlohmann::json& entry, const std::string& field) const {
    const std::string file = text(entry, field, "file");
    if (!is_plain_name(file)) {
      refuse(field + ".file", "'" + file + "' is not the name of a file beside the manifest");
    }
    const std::string name = text(entry, field, "name");
    try {
      CaseSpec spec = kernel_test::parse_case(name);
      spec.layout = kernel_test::ArrayLayout::dense;
      require_small(spec);
      return {.spec = spec, .file = file};
    } catch (const UsageError& error) {
      refuse(field + ".name", error.what());
    }
  }

  std::string path_;
  nlohmann::json json_;
};

}  // namespace

nlohmann::json case_entry(const ExportedCase& exported, KernelCase& kernel_case) {
  const CaseSpec& spec = exported.spec;
  const kernel_test::CallNumbers numbers = kernel_case.numbers();
  nlohmann::json formats = nlohmann::json::object();
  for (const auto& [tier, format] : numbers.formats) formats[tier] = std::string(name(format));
  nlohmann::json outputs = nlohmann::json::array();
  for (const CaseArray* array : kernel_case.arrays()) {
    if (!array->is_output()) continue;
    outputs.push_back(output_entry(*array, kernel_case.is_optional(*array)));
  }
  return {{"name", to_string(spec)},
          {"file", exported.file},
          {"operation", std::string(name(spec.operation))},
          {"shape",
           {{"sequences", spec.sequences},
            {"query_heads", spec.shape.query_heads},
            {"kv_heads", spec.shape.kv_heads},
            {"head_dim", spec.shape.head_dim}}},
          {"group_size", spec.group_size},
          {"softmax_scale", numbers.softmax_scale},
          {"element", std::string(element_name(spec.element))},
          {"formats", formats},
          {"integers", numbers.integers},
          {"outputs", outputs}};
}

void require_small(const CaseSpec& spec) {
  std::int64_t elements = spec.tokens;
  bool large = spec.tokens > kMaxTokens;
  for (const std::int64_t n : {spec.sequences, spec.shape.query_heads, spec.shape.head_dim}) {
    large = large || __builtin_mul_overflow(elements, n, &elements) || elements > kMaxElements;
  }
  if (!large) return;
  throw UsageError("case " + to_string(spec), "is too large for a file",
                   "at most 32768 tokens, and 67108864 query elements of all sequences");
}

std::vector<ExportedCase> read_manifest(const std::string& path) {
  return ManifestReader(path).read();
}

}  // namespace mikv::tools
