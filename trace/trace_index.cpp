// SPDX-License-Identifier: Apache-2.0
#include <charconv>

#include "core/error.h"
#include "trace/safetensors_dtype.h"
#include "trace/trace_reader.h"

namespace mikv::trace {
namespace {

/// "layers.<layer>.<part>" or "sinks.<layer>".
struct TensorName {
  std::int64_t layer = 0;
  std::string_view part;
};

std::optional<std::int64_t> canonical_layer(std::string_view text) {
  std::int64_t layer = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), layer);
  const bool whole = error == std::errc() && end == text.data() + text.size() && layer >= 0;
  if (!whole || std::to_string(layer) != text) return std::nullopt;
  return layer;
}

std::optional<TensorName> parse_tensor_name(std::string_view name) {
  constexpr std::string_view kLayers = "layers.";
  constexpr std::string_view kSinks = "sinks.";
  if (name.starts_with(kSinks)) {
    const auto layer = canonical_layer(name.substr(kSinks.size()));
    if (!layer) return std::nullopt;
    return TensorName{*layer, "sinks"};
  }
  if (!name.starts_with(kLayers)) return std::nullopt;
  const std::string_view rest = name.substr(kLayers.size());
  const std::size_t dot = rest.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view part = rest.substr(dot + 1);
  const auto layer = canonical_layer(rest.substr(0, dot));
  if (!layer || (part != "q" && part != "k" && part != "v" && part != "o")) return std::nullopt;
  return TensorName{*layer, part};
}

class Indexer {
 public:
  Indexer(std::span<const std::byte> file, std::string_view file_name) : name_(file_name) {
    index_.container = parse_safetensors_header(file, file_name);
    index_.header = parse_trace_header(index_.container.metadata, file_name);
  }

  TraceIndex build() {
    for (std::size_t i = 0; i < index_.container.tensors.size(); ++i) place(i);
    if (parts_.empty()) refuse("", "holds no tensor named layers.<i>.q, .k or .v");
    check_complete();
    return std::move(index_);
  }

 private:
  struct Parts {
    std::optional<std::size_t> q, k, v, o;
  };

  [[noreturn]] void refuse(std::string_view field, const std::string& problem) const {
    throw InputError(name_, field, problem, "see trace/FORMAT.md for what a trace must hold");
  }

  void place(std::size_t i) {
    const TensorEntry& tensor = index_.container.tensors[i];
    const std::optional<TensorName> name = parse_tensor_name(tensor.name);
    if (!name) {
      index_.unused_tensors.push_back(tensor.name);
      return;
    }
    if (name->layer >= index_.header.num_layers) {
      refuse(tensor.name, "is beyond num_layers " + std::to_string(index_.header.num_layers));
    }
    if (name->part == "sinks") {
      if (!index_.header.sinks) refuse(tensor.name, "is there though __metadata__.sinks is not 1");
      return;  // replay refuses header.sinks before anyone reads them
    }
    Parts& parts = parts_[name->layer];
    const AttentionShape& shape = index_.header.shape;
    if (name->part == "q") parts.q = checked(i, shape.query_heads);
    if (name->part == "k") parts.k = checked(i, shape.kv_heads);
    if (name->part == "v") parts.v = checked(i, shape.kv_heads);
    if (name->part == "o") parts.o = checked(i, shape.query_heads);
  }

  std::size_t checked(std::size_t i, std::int64_t heads) {
    const TensorEntry& tensor = index_.container.tensors[i];
    const std::vector<std::uint64_t> expected{
        static_cast<std::uint64_t>(heads), static_cast<std::uint64_t>(index_.header.tokens()),
        static_cast<std::uint64_t>(index_.header.shape.head_dim)};
    if (tensor.shape != expected) {
      refuse(tensor.name,
             "has shape " + text(tensor.shape) + " where the metadata says " + text(expected));
    }
    const std::optional<ElementType> element = element_type(tensor.dtype);
    if (!element) refuse(tensor.name, "has dtype " + tensor.dtype + ", not F16, BF16 or F32");
    if (!element_) element_ = index_.element = *element;
    if (*element != *element_) {
      refuse(tensor.name, "has dtype " + tensor.dtype + " where earlier tensors have " +
                              std::string(dtype_name(*element_)));
    }
    return i;
  }

  static std::string text(const std::vector<std::uint64_t>& shape) {
    std::string out = "[";
    for (const std::uint64_t n : shape) {
      out.append(out.size() > 1 ? ", " : "").append(std::to_string(n));
    }
    return out + "]";
  }

  void check_complete() {
    for (const auto& [layer, parts] : parts_) {
      const std::string prefix = "layers." + std::to_string(layer);
      if (!parts.q) refuse(prefix + ".q", "is missing");
      if (!parts.k) refuse(prefix + ".k", "is missing");
      if (!parts.v) refuse(prefix + ".v", "is missing");
      index_.layers[layer] = {*parts.q, *parts.k, *parts.v, parts.o};
    }
  }

  std::string_view name_;
  TraceIndex index_;
  std::map<std::int64_t, Parts> parts_;
  std::optional<ElementType> element_;
};

}  // namespace

TraceIndex index_trace(std::span<const std::byte> file, std::string_view file_name) {
  return Indexer(file, file_name).build();
}

}  // namespace mikv::trace
