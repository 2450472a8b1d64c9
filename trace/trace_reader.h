// SPDX-License-Identifier: Apache-2.0
// Opens a recorded trace: mapped, checked, one layer at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/shape.h"
#include "trace/mapped_file.h"
#include "trace/safetensors_header.h"
#include "trace/trace_format.h"

namespace mikv::trace {

/// Indices into SafetensorsHeader::tensors of one layer's tensors.
struct LayerTensors {
  std::size_t q = 0;
  std::size_t k = 0;
  std::size_t v = 0;
  std::optional<std::size_t> o;
};

/// A trace's contents, as its header describes them.
struct TraceIndex {
  TraceHeader header;
  ElementType element = ElementType::f16;  ///< of every q, k, v and o
  SafetensorsHeader container;
  std::map<std::int64_t, LayerTensors> layers;  ///< by the model's layer index
  std::vector<std::string> unused_tensors;      ///< tensors that version 1 does not define
};

/// Checks a whole file's container, metadata, tensor names, shapes and element types. Throws
/// InputError. Values are not looked at.
[[nodiscard]] TraceIndex index_trace(std::span<const std::byte> file, std::string_view file_name);

/// A trace on disk. Thread-safe after construction.
class TraceReader {
 public:
  /// Throws InputError.
  explicit TraceReader(std::string path);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const TraceHeader& header() const { return index_.header; }
  [[nodiscard]] const TraceIndex& index() const { return index_; }
  [[nodiscard]] std::uint64_t file_bytes() const { return file_.bytes().size(); }
  [[nodiscard]] std::vector<std::int64_t> layers() const;

  /// Views into the mapped file; they live as long as the reader.
  [[nodiscard]] LayerView layer(std::int64_t layer) const;

  /// Lets go of a layer's pages.
  void release(const LayerView& layer) const;

  /// The bytes of the file before its first tensor, and of one tensor.
  [[nodiscard]] std::span<const std::byte> header_bytes() const;
  [[nodiscard]] std::span<const std::byte> tensor_bytes(const TensorEntry& tensor) const;
  /// Lets go of pages of a part of the file.
  void release(std::span<const std::byte> part) const { file_.release(part); }

 private:
  [[nodiscard]] TensorView view(std::size_t tensor) const;

  std::string path_;
  MappedFile file_;
  TraceIndex index_;
};

}  // namespace mikv::trace
