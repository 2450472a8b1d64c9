// SPDX-License-Identifier: Apache-2.0
#include "trace/synth/synth.h"

#include <filesystem>
#include <limits>
#include <set>

#include "core/error.h"
#include "tests/support/catch.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/temporary_folder.h"
#include "tests/trace/input_refusal.h"
#include "tests/trace/peak_memory.h"
#include "trace/slice.h"
#include "trace/value_check.h"

namespace mikv::test {
namespace {

using trace::TraceReader;
using trace::synth::synthesize;
using trace::synth::SynthSpec;

constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

SynthSpec tiny(const std::string& profile, ElementType element = ElementType::f16) {
  return {.profile = profile,
          .layers = 2,
          .shape = {.query_heads = 4, .kv_heads = 2, .head_dim = 64},
          .prompt_length = 40,
          .decode_length = 8,
          .element = element,
          .seed = 7};
}

// A synthetic trace on disk, open.
class Synthetic {
 public:
  explicit Synthetic(const SynthSpec& spec) : reader_(write(spec)) {}
  [[nodiscard]] const TraceReader& reader() const { return reader_; }

 private:
  std::string write(const SynthSpec& spec) const {
    const std::string path = folder_.file("trace.safetensors");
    synthesize(spec, path);
    return path;
  }

  TemporaryFolder folder_;
  TraceReader reader_;
};

std::string rows(const TensorView& tensor, std::int64_t head, std::int64_t tokens) {
  return {reinterpret_cast<const char*>(tensor.row(head, 0)),
          static_cast<std::size_t>(tokens * tensor.row_bytes())};
}

TEST_CASE("the bytes are the recorded ones") {
  struct Case {
    std::string profile;
    ElementType element;
    AttentionShape shape;
    std::string checksum;
  };
  const auto c = GENERATE(values<Case>({
      {"gaussian", ElementType::f16, {4, 2, 64}, "xxh128:e149ad1d074776e53f6acb9e0f4fcba2"},
      {"gaussian", ElementType::bf16, {4, 2, 64}, "xxh128:2db017cde59152637d9c1efdd1ba49c1"},
      {"gaussian", ElementType::f16, {7, 1, 80}, "xxh128:1cdeb08b3b52dbabbf475b5b57cbdd67"},
      {"llama-like", ElementType::f16, {4, 2, 64}, "xxh128:cd4e97f8c9adcacb028407d2adea3ff6"},
      {"llama-like", ElementType::bf16, {4, 2, 64}, "xxh128:54a49c6e96c289e9deb91acc6bb7a3b6"},
      {"llama-like", ElementType::f16, {16, 1, 8}, "xxh128:e5071d3c2f089e45361270c50d9f1e69"},
      {"llama-like", ElementType::bf16, {7, 1, 112}, "xxh128:d98b4e34e0b57402f04025a38cd89d3a"},
      {"llama-like", ElementType::f16, {2, 2, 256}, "xxh128:39919c4a4399a706519a92d1ed940ab9"},
  }));
  SynthSpec spec = tiny(c.profile, c.element);
  spec.shape = c.shape;
  INFO(c.profile << " " << element_name(c.element) << ", D " << c.shape.head_dim);
  CHECK(trace::check_values(Synthetic(spec).reader()) == c.checksum);
}

TEST_CASE("a synthetic trace says what it is and how to make it again") {
  const Synthetic trace(tiny("llama-like", ElementType::bf16));
  const trace::TraceHeader& header = trace.reader().header();
  CHECK(header.model == "synthetic:llama-like");
  CHECK(header.description == "not recorded: generator 1, profile llama-like, seed 7");
  CHECK(header.producer == "mikv trace synth");
  CHECK(header.softmax_scale == 0.125);
  CHECK(header.num_layers == 2);
  CHECK(header.shape == AttentionShape{4, 2, 64});
  CHECK(header.prompt_length == 40);
  CHECK(header.decode_length == 8);
  CHECK(trace.reader().index().element == ElementType::bf16);
  CHECK(trace.reader().layers() == std::vector<std::int64_t>{0, 1});
  CHECK(trace.reader().index().unused_tensors.empty());
}

TEST_CASE("the scale is 1 / sqrt(head_dim) to the nearest double, as models compute it") {
  SynthSpec spec = tiny("gaussian");
  const auto scale = [&spec](std::int64_t head_dim) {
    spec.shape.head_dim = head_dim;
    return metadata(spec)["softmax_scale"];
  };
  CHECK(scale(80) == "0.11180339887498948");
  CHECK(scale(128) == "0.08838834764831845");  // 1 / sqrt(128.0) is one unit below
  CHECK(scale(192) == "0.07216878364870322");
  CHECK(scale(256) == "0.0625");
}

TEST_CASE("every shape that the format knows is a valid trace of finite values") {
  const std::string profile = GENERATE("gaussian", "llama-like");
  const auto element = GENERATE(ElementType::f16, ElementType::bf16);
  for (const std::int64_t head_dim : {8, 16, 24, 64, 72, 80, 96, 112, 128, 192, 256, 1032}) {
    for (const std::int64_t ratio : {1, 4, 7, 8, 16}) {
      SynthSpec spec = tiny(profile, element);
      spec.layers = 1;
      spec.shape = {.query_heads = 2 * ratio, .kv_heads = 2, .head_dim = head_dim};
      spec.decode_length = ratio - 1;
      spec.seed = std::numeric_limits<std::uint64_t>::max();
      const Synthetic trace(spec);
      CHECK(trace.reader().header().shape == spec.shape);
      CHECK_NOTHROW(trace::check_values(trace.reader()));
    }
  }
}

TEST_CASE("a smaller trace is a part of a larger one") {
  const std::string profile = GENERATE("gaussian", "llama-like");
  const Synthetic large(tiny(profile));
  SynthSpec spec = tiny(profile);
  spec.layers = 1;
  spec.shape = {.query_heads = 2, .kv_heads = 1, .head_dim = 64};
  spec.prompt_length = 3;
  spec.decode_length = 34;
  const Synthetic small(spec);
  const LayerView part = small.reader().layer(0);
  const LayerView whole = large.reader().layer(0);
  for (const std::int64_t head : {0, 1}) {
    CHECK(rows(part.q, head, 37) == rows(whole.q, head, 37));
  }
  CHECK(rows(part.k, 0, 37) == rows(whole.k, 0, 37));
  CHECK(rows(part.v, 0, 37) == rows(whole.v, 0, 37));
}

TEST_CASE("no two heads, tensors, layers or seeds are alike") {
  const std::string profile = GENERATE("gaussian", "llama-like");
  std::set<std::string> heads;
  SynthSpec spec = tiny(profile);
  for (const std::uint64_t seed : {7U, 8U}) {
    spec.seed = seed;
    const Synthetic trace(spec);
    for (const std::int64_t layer : trace.reader().layers()) {
      const LayerView view = trace.reader().layer(layer);
      for (const TensorView& tensor : {view.q, view.k, view.v}) {
        for (std::int64_t head = 0; head < tensor.heads; ++head) {
          heads.insert(rows(tensor, head, tensor.tokens));
        }
      }
    }
  }
  CHECK(heads.size() == 2 * 2 * (4 + 2 + 2));
}

TEST_CASE("progress counts every head once") {
  const TemporaryFolder folder;
  std::vector<std::int64_t> done;
  synthesize(tiny("gaussian"), folder.file("trace"), [&done](std::int64_t n, std::int64_t of) {
    CHECK(of == 16);
    done.push_back(n);
  });
  REQUIRE(done.size() == 16);
  for (std::size_t i = 0; i < done.size(); ++i) CHECK(done[i] == static_cast<std::int64_t>(i + 1));
}

TEST_CASE("memory is bounded by a block of rows") {
  SynthSpec spec = tiny("gaussian");
  spec.prompt_length = 100'000;  // 12.8 MB a head
  spec.layers = 1;
  spec.shape = {.query_heads = 1, .kv_heads = 1, .head_dim = 64};
  const TemporaryFolder folder;
  const PeakMemory memory;
  synthesize(spec, folder.file("trace"));
  if (const auto growth = memory.growth_bytes()) CHECK(*growth < std::int64_t{6} << 20);
}

TEST_CASE("a spec that makes no readable trace is refused by option, and no file is left") {
  struct Case {
    void (*change)(SynthSpec&);
    std::string option;
    std::string detail;
  };
  const auto c = GENERATE(values<Case>({
      {[](SynthSpec& s) { s.profile = "llama"; }, "--profile", "gaussian, llama-like"},
      {[](SynthSpec& s) { s.element = ElementType::f32; }, "--dtype", "fp16 or bf16"},
      {[](SynthSpec& s) { s.layers = 0; }, "--layers", "1 to 21845"},
      {[](SynthSpec& s) { s.layers = 21846; }, "--layers", "1 to 21845"},
      {[](SynthSpec& s) { s.shape.query_heads = 0; }, "--query-heads", "1 to 65536"},
      {[](SynthSpec& s) { s.shape.query_heads = 65537; }, "--query-heads", "1 to 65536"},
      {[](SynthSpec& s) { s.shape.kv_heads = 0; }, "--kv-heads", "1 to 65536"},
      {[](SynthSpec& s) { s.shape.kv_heads = 3; }, "--kv-heads", "does not divide the 4"},
      {[](SynthSpec& s) { s.shape.kv_heads = 8; }, "--kv-heads", "does not divide the 4"},
      {[](SynthSpec& s) { s.shape.head_dim = 0; }, "--head-dim", "8 to 65536"},
      {[](SynthSpec& s) { s.shape.head_dim = 65544; }, "--head-dim", "8 to 65536"},
      {[](SynthSpec& s) { s.shape.head_dim = 100; }, "--head-dim", "multiple of 8"},
      {[](SynthSpec& s) { s.prompt_length = 0; }, "--prompt", "1 to 4294967295"},
      {[](SynthSpec& s) { s.prompt_length = kMin; }, "--prompt", "1 to 4294967295"},
      {[](SynthSpec& s) { s.prompt_length = kMax; }, "--prompt", "1 to 4294967295"},
      {[](SynthSpec& s) { s.decode_length = -1; }, "--decode", "give 0 to 4294967255"},
      {[](SynthSpec& s) { s.decode_length = 4'294'967'256; }, "--decode", "give 0 to 4294967255"},
      {[](SynthSpec& s) { s.decode_length = kMax; }, "--decode", "give 0 to 4294967255"},
      // Far more than 2^64 bits, and just more.
      {[](SynthSpec& s) {
         s.prompt_length = 0xffff'0000;
         s.layers = 21845;
         s.shape = {.query_heads = 65536, .kv_heads = 65536, .head_dim = 65536};
       },
       "--prompt", "no file is large enough"},
      {[](SynthSpec& s) {
         s.prompt_length = 0xffff'0000;
         s.layers = 1;
         s.shape = {.query_heads = 4096, .kv_heads = 1, .head_dim = 65536};
       },
       "--prompt", "no file is large enough"},
  }));
  SynthSpec spec = tiny("gaussian");
  c.change(spec);
  const TemporaryFolder folder;
  try {
    synthesize(spec, folder.file("trace"));
    FAIL("nothing was refused for " << c.option << ", " << c.detail);
  } catch (const UsageError& error) {
    CHECK(error.option() == c.option);
    CHECK_THAT(error.what(), ContainsSubstring(c.detail));
  }
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("the most layers that are accepted can be read") {
  SynthSpec spec = tiny("gaussian");
  spec.layers = trace::synth::kMaxSynthLayers;
  spec.shape = {.query_heads = 1, .kv_heads = 1, .head_dim = 8};
  spec.prompt_length = 1;
  spec.decode_length = 0;
  CHECK(Synthetic(spec).reader().layers().size() == 21845);
}

TEST_CASE("a trace that does not fit is refused before it fills the disk") {
  SynthSpec spec = tiny("gaussian");
  spec.prompt_length = 0xffff'0000;
  spec.shape = {.query_heads = 2048, .kv_heads = 1, .head_dim = 65536};  // 2^60 bytes
  spec.layers = 1;
  const TemporaryFolder folder;
  const std::string path = folder.file("trace");
  CHECK_THAT(input_refusal(path, [&] { synthesize(spec, path); }), ContainsSubstring("are free"));
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("a disk that fills up is an input error, and the old file stays") {
  const TemporaryFolder folder;
  const std::string path = folder.file("trace");
  write_text(path, "old");
  {
    const FileSizeLimit limit(20'000);
    CHECK_THAT(input_refusal(path, [&] { synthesize(tiny("gaussian"), path); }),
               ContainsSubstring("cannot be written"));
  }
  CHECK(read_text(path) == "old");
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

}  // namespace
}  // namespace mikv::test
