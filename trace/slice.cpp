// SPDX-License-Identifier: Apache-2.0
#include "trace/slice.h"

#include <algorithm>

#include "core/error.h"
#include "trace/safetensors_dtype.h"
#include "trace/safetensors_writer.h"

namespace mikv::trace {
namespace {

class Slicer {
 public:
  Slicer(const TraceReader& reader, const SliceSpec& spec) : reader_(reader), output_(spec.output) {
    if (reader.header().sinks) {
      throw InputError(reader.path(), "__metadata__.sinks", "says that slicing would lose tensors",
                       "slice traces without attention sinks");
    }
    resolve_lengths(spec);
    layers_ = chosen("--layers", "layer", spec.layers, reader.layers());
    std::vector<std::int64_t> heads(static_cast<std::size_t>(reader.header().shape.kv_heads));
    for (std::size_t h = 0; h < heads.size(); ++h) heads[h] = static_cast<std::int64_t>(h);
    kv_heads_ = chosen("--kv-heads", "KV head", spec.kv_heads, heads);
  }

  void write(const std::string& path) const {
    SafetensorsWriter writer(path, metadata(), specs());
    for (const std::int64_t i : layers_) {
      const LayerView layer = reader_.layer(i);
      const std::int64_t ratio = layer.shape.group_ratio();
      write_heads(writer, layer.q, ratio);
      write_heads(writer, layer.k, 1);
      write_heads(writer, layer.v, 1);
      if (output_ && layer.o) write_heads(writer, *layer.o, ratio);
      reader_.release(layer);
    }
    writer.commit();
  }

 private:
  void resolve_lengths(const SliceSpec& spec) {
    const TraceHeader& header = reader_.header();
    const std::int64_t wanted_decode = spec.decode_length.value_or(0);
    if (wanted_decode < 0 || wanted_decode >= header.tokens()) {
      throw UsageError("--decode-length",
                       std::to_string(wanted_decode) + " leaves no prompt of the trace's " +
                           std::to_string(header.tokens()) + " tokens",
                       "keep at least 1 prompt token");
    }
    prompt_ = spec.prompt_length.value_or(
        std::min(header.prompt_length, header.tokens() - wanted_decode));
    if (prompt_ < 1 || prompt_ > header.tokens()) {
      throw UsageError("--prompt-length",
                       std::to_string(prompt_) + " of the trace's " +
                           std::to_string(header.tokens()) + " tokens cannot be kept",
                       "keep at least 1 and at most all");
    }
    decode_ =
        spec.decode_length.value_or(std::min(header.decode_length, header.tokens() - prompt_));
    if (decode_ > header.tokens() - prompt_) {
      throw UsageError("--decode-length",
                       "asks for " + std::to_string(decode_) + " tokens after a prompt of " +
                           std::to_string(prompt_),
                       "the trace has " + std::to_string(header.tokens()) + " tokens in all");
    }
  }

  static std::vector<std::int64_t> chosen(std::string_view option, std::string_view what,
                                          const std::vector<std::int64_t>& wanted,
                                          const std::vector<std::int64_t>& available) {
    if (wanted.empty()) return available;
    std::vector<std::int64_t> sorted = wanted;
    std::sort(sorted.begin(), sorted.end());
    sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
    for (const std::int64_t i : sorted) {
      if (!std::binary_search(available.begin(), available.end(), i)) {
        throw UsageError(option, "the trace has no " + std::string(what) + " " + std::to_string(i),
                         "'mikv trace info' lists what it has");
      }
    }
    return sorted;
  }

  Metadata metadata() const {
    Metadata metadata = reader_.index().container.metadata;
    const std::int64_t ratio = reader_.header().shape.group_ratio();
    const auto heads = static_cast<std::int64_t>(kv_heads_.size());
    metadata["num_kv_heads"] = std::to_string(heads);
    metadata["num_query_heads"] = std::to_string(heads * ratio);
    metadata["prompt_length"] = std::to_string(prompt_);
    metadata["decode_length"] = std::to_string(decode_);
    return metadata;
  }

  std::vector<TensorSpec> specs() const {
    std::vector<TensorSpec> specs;
    const auto ratio = static_cast<std::uint64_t>(reader_.header().shape.group_ratio());
    for (const std::int64_t i : layers_) {
      const std::string prefix = "layers." + std::to_string(i) + ".";
      specs.push_back(spec(prefix + "q", ratio));
      specs.push_back(spec(prefix + "k", 1));
      specs.push_back(spec(prefix + "v", 1));
      if (output_ && reader_.layer(i).o) specs.push_back(spec(prefix + "o", ratio));
    }
    return specs;
  }

  TensorSpec spec(std::string name, std::uint64_t ratio) const {
    return {std::move(name),
            std::string(dtype_name(reader_.index().element)),
            {kv_heads_.size() * ratio, static_cast<std::uint64_t>(prompt_ + decode_),
             static_cast<std::uint64_t>(reader_.header().shape.head_dim)}};
  }

  void write_heads(SafetensorsWriter& writer, const TensorView& tensor, std::int64_t ratio) const {
    const auto bytes = static_cast<std::size_t>((prompt_ + decode_) * tensor.row_bytes());
    for (const std::int64_t kv_head : kv_heads_) {
      for (std::int64_t h = kv_head * ratio; h < (kv_head + 1) * ratio; ++h) {
        writer.write({tensor.row(h, 0), bytes});
      }
    }
  }

  const TraceReader& reader_;
  bool output_;
  std::int64_t prompt_ = 0;
  std::int64_t decode_ = 0;
  std::vector<std::int64_t> layers_;
  std::vector<std::int64_t> kv_heads_;
};

}  // namespace

void slice(const TraceReader& reader, const SliceSpec& spec, const std::string& path) {
  Slicer(reader, spec).write(path);
}

}  // namespace mikv::trace
