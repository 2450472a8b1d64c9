// SPDX-License-Identifier: Apache-2.0
#include "tests/benchmark/synthetic_layer.h"

#include <list>

#include "tests/support/temporary_folder.h"
#include "trace/synth/synth.h"
#include "trace/trace_reader.h"

namespace mikv::bench {
namespace {

class SyntheticLayer {
 public:
  explicit SyntheticLayer(const trace::synth::SynthSpec& spec)
      : reader_(written(spec, folder_.file("layer.safetensors"))), view_(reader_.layer(0)) {}

  [[nodiscard]] const LayerView& view() const { return view_; }

 private:
  static std::string written(const trace::synth::SynthSpec& spec, const std::string& path) {
    trace::synth::synthesize(spec, path);
    return path;
  }

  test::TemporaryFolder folder_;
  trace::TraceReader reader_;
  LayerView view_;
};

}  // namespace

const LayerView& synthetic_layer(const AttentionShape& shape, const Sizes& sizes) {
  static std::list<SyntheticLayer> layers;
  for (const SyntheticLayer& layer : layers) {
    if (layer.view().shape == shape && layer.view().prompt_length == sizes.tokens) {
      return layer.view();
    }
  }
  return layers
      .emplace_back(trace::synth::SynthSpec{
          .shape = shape, .prompt_length = sizes.tokens, .decode_length = sizes.decode_steps})
      .view();
}

}  // namespace mikv::bench
