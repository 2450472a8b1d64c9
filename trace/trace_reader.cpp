// SPDX-License-Identifier: Apache-2.0
#include "trace/trace_reader.h"

#include "core/error.h"

namespace mikv::trace {

TraceReader::TraceReader(std::string path)
    : path_(std::move(path)), file_(path_), index_(index_trace(file_.bytes(), path_)) {}

std::vector<std::int64_t> TraceReader::layers() const {
  std::vector<std::int64_t> layers;
  layers.reserve(index_.layers.size());
  for (const auto& [layer, tensors] : index_.layers) layers.push_back(layer);
  return layers;
}

LayerView TraceReader::layer(std::int64_t layer) const {
  const auto found = index_.layers.find(layer);
  if (found == index_.layers.end()) {
    throw InternalError("layer " + std::to_string(layer) + " is not in the trace");
  }
  const LayerTensors& tensors = found->second;
  LayerView view{
      .layer = layer,
      .shape = header().shape,
      .prompt_length = header().prompt_length,
      .softmax_scale = header().softmax_scale,
      .q = this->view(tensors.q),
      .k = this->view(tensors.k),
      .v = this->view(tensors.v),
      .o = std::nullopt,
  };
  if (tensors.o) view.o = this->view(*tensors.o);
  return view;
}

void TraceReader::release(const LayerView& layer) const {
  const LayerTensors& tensors = index_.layers.at(layer.layer);
  for (const std::optional<std::size_t> tensor :
       {std::optional(tensors.q), std::optional(tensors.k), std::optional(tensors.v), tensors.o}) {
    if (tensor) release(tensor_bytes(index_.container.tensors[*tensor]));
  }
}

std::span<const std::byte> TraceReader::header_bytes() const {
  return file_.bytes().first(index_.container.data_begin);
}

std::span<const std::byte> TraceReader::tensor_bytes(const TensorEntry& tensor) const {
  return file_.bytes().subspan(tensor.begin, tensor.end - tensor.begin);
}

TensorView TraceReader::view(std::size_t tensor) const {
  const TensorEntry& entry = index_.container.tensors[tensor];
  return {.data = tensor_bytes(entry).data(),
          .type = index_.element,
          .heads = static_cast<std::int64_t>(entry.shape[0]),
          .tokens = static_cast<std::int64_t>(entry.shape[1]),
          .head_dim = static_cast<std::int64_t>(entry.shape[2])};
}

}  // namespace mikv::trace
