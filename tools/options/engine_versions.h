// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mikv::tools {

/// What --engine-version says: VERSION of the engine that is asked, or ENGINE=VERSION, repeatable.
class EngineVersions {
 public:
  /// Throws UsageError for an engine or a version that is not known.
  void add(const std::string& text);

  /// The version of the one engine that is asked; empty = the newest known. Throws UsageError for
  /// a version of another engine.
  [[nodiscard]] std::string of_only(std::string_view engine) const;

  /// The version of one of all engines; empty = the newest known. Throws UsageError for a version
  /// that names no engine.
  [[nodiscard]] std::string of_each(std::string_view engine) const;

 private:
  struct Entry {
    std::string engine;  // empty = whichever is asked
    std::string version;
  };

  std::vector<Entry> entries_;
};

}  // namespace mikv::tools
