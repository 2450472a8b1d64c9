// SPDX-License-Identifier: Apache-2.0
#include "tools/case_files/export.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "core/error.h"
#include "tools/case_files/case_file.h"
#include "tools/case_files/manifest.h"
#include "tools/report/document.h"
#include "tools/support/output.h"

namespace mikv::tools {
namespace {

using kernel_test::CaseSpec;

// Files of an earlier export; of a manifest that is none of ours nothing is known.
std::vector<std::filesystem::path> earlier_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  const std::filesystem::path manifest = folder / kManifestName;
  std::error_code error;
  if (!std::filesystem::is_regular_file(manifest, error)) return files;
  try {
    for (const ExportedCase& one : read_manifest(manifest.string())) {
      if (std::filesystem::is_regular_file(folder / one.file, error)) {
        files.push_back(folder / one.file);
      }
    }
  } catch (const InputError&) {
    files.clear();
  }
  return files;
}

// A manifest of an earlier export would not be of the files that come now; its cases would seem to
// be of this one. The manifest goes first: a folder that has one is complete.
void prepare(const std::filesystem::path& folder) {
  const std::vector<std::filesystem::path> stale = earlier_files(folder);
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error) std::filesystem::remove(folder / kManifestName, error);
  for (const std::filesystem::path& file : stale) {
    if (!error) std::filesystem::remove(file, error);
  }
  if (error) {
    throw InputError(folder.string(), "", "cannot be written to: " + error.message(),
                     "name a folder that is yours, or one that is not there yet");
  }
}

std::vector<CaseSpec> dense(const std::vector<CaseSpec>& specs) {
  std::vector<CaseSpec> all;
  for (CaseSpec spec : specs) {
    spec.layout = kernel_test::ArrayLayout::dense;
    require_small(spec);
    if (std::ranges::find(all, spec) == all.end()) all.push_back(spec);
  }
  return all;
}

}  // namespace

Export export_cases(const std::string& folder, const std::vector<CaseSpec>& specs) {
  const std::vector<CaseSpec> cases = dense(specs);
  prepare(folder);
  nlohmann::json manifest = new_document("cases");
  manifest["cases"] = nlohmann::json::array();
  Export written;
  for (const CaseSpec& spec : cases) {
    const ExportedCase exported{
        .spec = spec,
        .file = fmt::format("{:03}-{}.safetensors", written.cases, name(spec.operation))};
    const auto kernel_case = kernel_test::make_case(spec);
    const std::filesystem::path path = std::filesystem::path(folder) / exported.file;
    write_case_file(path.string(), *kernel_case);
    manifest["cases"].push_back(case_entry(exported, *kernel_case));
    written.bytes += std::filesystem::file_size(path);
    ++written.cases;
  }
  const std::string text = manifest.dump() + "\n";
  write_documents({{(std::filesystem::path(folder) / kManifestName).string(), text}});
  written.bytes += text.size();
  return written;
}

}  // namespace mikv::tools
