// SPDX-License-Identifier: Apache-2.0
#include "tools/kernel_test/case_trace.h"

#include <algorithm>
#include <array>
#include <span>

#include "core/error.h"
#include "tools/kernel_test/case_list.h"
#include "tools/support/open_trace.h"
#include "trace/trace_reader.h"

namespace mikv::kernel_test {
namespace {

// Longer ones take the reference long; s= asks for them.
constexpr std::int64_t kLongest = 1025;
// Behind a chunk, or else a page, or as it comes.
constexpr std::array<std::int64_t, 3> kEdges{257, 65, 17};

constexpr std::array<StorageFormat, 4> kFormats{StorageFormat::int2, StorageFormat::int3,
                                                StorageFormat::int4, StorageFormat::int8};
constexpr std::array<double, 3> kRatios{0, 0.2, 1};

// A name's parts end at ':', and names are printed.
void require_nameable(const std::string& path) {
  const auto unfit = [](char c) { return c == ':' || static_cast<unsigned char>(c) < 0x20; };
  if (!path.empty() && std::ranges::none_of(path, unfit)) return;
  throw UsageError("trace '" + escape(path) + "'",
                   path.empty() ? "has no name" : "cannot be part of a case's name",
                   "give a path without ':' and control characters");
}

std::vector<std::byte> slice(const TensorView& tensor, std::int64_t first, std::int64_t tokens) {
  std::vector<std::byte> bytes;
  const auto size = static_cast<std::size_t>(tokens * tensor.row_bytes());
  bytes.reserve(static_cast<std::size_t>(tensor.heads) * size);
  for (std::int64_t head = 0; head < tensor.heads; ++head) {
    const std::span rows(tensor.row(head, first), size);
    bytes.insert(bytes.end(), rows.begin(), rows.end());
  }
  return bytes;
}

std::vector<std::int64_t> some_layers(const std::vector<std::int64_t>& layers) {
  std::vector<std::int64_t> some{layers.front(), layers[layers.size() / 2], layers.back()};
  some.erase(std::unique(some.begin(), some.end()), some.end());
  return some;
}

std::vector<std::int64_t> some_lengths(std::int64_t tokens) {
  std::vector<std::int64_t> lengths{std::min(tokens, kLongest)};
  for (const std::int64_t edge : kEdges) {
    if (edge >= lengths.front()) continue;
    lengths.push_back(edge);
    break;
  }
  return lengths;
}

void add_formats(const CaseSpec& base, std::vector<CaseSpec>& cases) {
  CaseSpec spec = base;
  for (const double ratio : kRatios) {
    spec.importance_ratio = ratio;
    for (const StorageFormat format : kFormats) {
      spec.retained_format = format;
      if (!has_work(spec)) continue;
      cases.push_back(spec);
      if (ratio == 1) break;  // nothing is retained
    }
  }
}

}  // namespace

TraceContents trace_contents(const std::string& path) {
  require_nameable(path);
  const trace::TraceReader reader = tools::open_trace(path);
  const trace::TraceHeader& header = reader.header();
  return {.shape = header.shape,
          .element = reader.index().element,
          .layers = reader.layers(),
          .tokens = header.prompt_length + header.decode_length};
}

TraceSlice trace_slice(const CaseSpec& spec, std::int64_t first, std::int64_t tokens) {
  const trace::TraceReader reader(spec.trace);
  const bool has_layer = reader.index().layers.contains(spec.layer);
  if (!has_layer || reader.header().shape != spec.shape || reader.index().element != spec.element ||
      reader.header().prompt_length + reader.header().decode_length < first + tokens) {
    throw InputError(spec.trace, "", "is not the trace that it was when the run began",
                     "run the test again");
  }
  const LayerView layer = reader.layer(spec.layer);
  return {.q = slice(layer.q, first, tokens),
          .k = slice(layer.k, first, tokens),
          .v = slice(layer.v, first, tokens),
          .softmax_scale = layer.softmax_scale};
}

std::vector<CaseSpec> trace_cases(const std::string& path) {
  const TraceContents contents = trace_contents(path);
  CaseSpec spec;
  spec.trace = path;
  spec.shape = contents.shape;
  spec.element = contents.element;
  spec.importance_format = native_format(contents.element);
  spec.group_size = default_group_size(contents.shape.head_dim);
  std::vector<CaseSpec> cases;
  for (const Operation operation : operations()) {
    spec.operation = operation;
    for (const std::int64_t layer : some_layers(contents.layers)) {
      spec.layer = layer;
      for (const std::int64_t tokens : some_lengths(contents.tokens)) {
        spec.tokens = tokens;
        add_formats(spec, cases);
      }
    }
  }
  return cases;
}

}  // namespace mikv::kernel_test
