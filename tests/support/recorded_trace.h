// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/support/temporary_folder.h"
#include "tests/support/trace_builder.h"
#include "trace/trace_reader.h"

namespace mikv::test {

/// A generated trace on disk, open.
class RecordedTrace {
 public:
  explicit RecordedTrace(const TraceSpec& spec) : reader_(write(spec, folder_)) {}
  [[nodiscard]] const trace::TraceReader& reader() const { return reader_; }
  [[nodiscard]] LayerView layer(std::int64_t i = 0) const { return reader_.layer(i); }

 private:
  static std::string write(const TraceSpec& spec, const TemporaryFolder& folder) {
    std::string path = folder.file("trace.safetensors");
    write_trace(spec, path);
    return path;
  }

  TemporaryFolder folder_;
  trace::TraceReader reader_;
};

}  // namespace mikv::test
