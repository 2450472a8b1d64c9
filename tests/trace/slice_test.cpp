// SPDX-License-Identifier: Apache-2.0
#include "trace/slice.h"

#include <algorithm>
#include <filesystem>
#include <limits>

#include "core/error.h"
#include "tests/support/catch.h"
#include "tests/support/recorded_trace.h"
#include "tests/trace/hand_made_trace.h"
#include "trace/value_check.h"

namespace mikv::test {
namespace {

using trace::SliceSpec;
using trace::TraceReader;
using Numbers = std::vector<std::int64_t>;

constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

using Length = std::optional<std::int64_t>;

/// 3 KV heads with 2 query heads each, 5 layers, a prompt of 8 and 4 decode steps.
TraceSpec recorded() {
  TraceSpec spec;
  spec.layers = 5;
  spec.query_heads = 6;
  spec.kv_heads = 3;
  spec.output = true;
  return spec;
}

SliceSpec layers(Numbers numbers) {
  SliceSpec spec;
  spec.layers = std::move(numbers);
  return spec;
}

SliceSpec kv_heads(Numbers numbers) {
  SliceSpec spec;
  spec.kv_heads = std::move(numbers);
  return spec;
}

SliceSpec lengths(Length prompt, Length decode) {
  SliceSpec spec;
  spec.prompt_length = prompt;
  spec.decode_length = decode;
  return spec;
}

std::string rows(const TensorView& tensor, std::int64_t head, std::int64_t tokens) {
  return {reinterpret_cast<const char*>(tensor.row(head, 0)),
          static_cast<std::size_t>(tokens * tensor.row_bytes())};
}

/// Each kept row of a tensor is the original's, and nothing else is there.
void check_tensor(const TensorView& cut, const TensorView& original, const Numbers& heads,
                  std::int64_t tokens) {
  CHECK(cut.type == original.type);
  CHECK(cut.head_dim == original.head_dim);
  CHECK(cut.tokens == tokens);
  REQUIRE(cut.heads == static_cast<std::int64_t>(heads.size()));
  for (std::size_t h = 0; h < heads.size(); ++h) {
    CHECK(rows(cut, static_cast<std::int64_t>(h), tokens) == rows(original, heads[h], tokens));
  }
}

void check_layer(const LayerView& cut, const LayerView& original, const Numbers& kv_heads,
                 std::int64_t tokens) {
  Numbers query_heads;
  const std::int64_t ratio = original.shape.group_ratio();
  for (const std::int64_t kv : kv_heads) {
    for (std::int64_t i = 0; i < ratio; ++i) query_heads.push_back(kv * ratio + i);
  }
  CHECK(cut.layer == original.layer);
  CHECK(cut.shape.group_ratio() == ratio);
  CHECK(cut.softmax_scale == original.softmax_scale);
  check_tensor(cut.q, original.q, query_heads, tokens);
  check_tensor(cut.k, original.k, kv_heads, tokens);
  check_tensor(cut.v, original.v, kv_heads, tokens);
  if (cut.o) check_tensor(*cut.o, original.o.value(), query_heads, tokens);
}

class Cut {
 public:
  explicit Cut(const SliceSpec& spec, const TraceSpec& original = recorded())
      : original_(original), reader_(write(spec)) {}
  [[nodiscard]] const TraceReader& original() const { return original_.reader(); }
  [[nodiscard]] const TraceReader& reader() const { return reader_; }

 private:
  std::string write(const SliceSpec& spec) const {
    const std::string path = folder_.file("cut.safetensors");
    trace::slice(original_.reader(), spec, path);
    return path;
  }

  RecordedTrace original_;
  TemporaryFolder folder_;
  TraceReader reader_;
};

TEST_CASE("a slice of everything is the same trace") {
  for (const ElementType type : {ElementType::f16, ElementType::bf16, ElementType::f32}) {
    TraceSpec spec = recorded();
    spec.element = type;
    const Cut cut({}, spec);
    CHECK(cut.reader().layers() == Numbers{0, 1, 2, 3, 4});
    CHECK(cut.reader().index().container.metadata == cut.original().index().container.metadata);
    for (const std::int64_t layer : cut.reader().layers()) {
      REQUIRE(cut.reader().layer(layer).o);
      check_layer(cut.reader().layer(layer), cut.original().layer(layer), {0, 1, 2}, 12);
    }
    CHECK_NOTHROW(trace::check_values(cut.reader()));
  }
}

TEST_CASE("kept layers keep the model's numbers") {
  const Cut cut(layers({4, 1, 4}));
  CHECK(cut.reader().layers() == Numbers{1, 4});
  CHECK(cut.reader().header().num_layers == 5);
  check_layer(cut.reader().layer(1), cut.original().layer(1), {0, 1, 2}, 12);
  check_layer(cut.reader().layer(4), cut.original().layer(4), {0, 1, 2}, 12);
}

TEST_CASE("a KV head takes its own query heads with it") {
  const Cut cut(kv_heads({2, 0, 2}));
  CHECK(cut.reader().header().shape == AttentionShape{4, 2, 16});
  for (const std::int64_t layer : cut.reader().layers()) {
    check_layer(cut.reader().layer(layer), cut.original().layer(layer), {0, 2}, 12);
  }
}

TEST_CASE("lengths are cut from the end, and the split into prompt and decode moves") {
  struct Case {
    Length prompt;
    Length decode;
    std::int64_t expected_prompt;
    std::int64_t expected_decode;
  };
  for (const Case& c : std::vector<Case>{{8, 4, 8, 4},
                                         {5, 3, 5, 3},
                                         {5, {}, 5, 4},
                                         {10, {}, 10, 2},
                                         {12, {}, 12, 0},
                                         {1, {}, 1, 4},
                                         {{}, 0, 8, 0},
                                         {{}, 2, 8, 2},
                                         {{}, 6, 6, 6},
                                         {{}, 11, 1, 11},
                                         {1, 11, 1, 11},
                                         {12, 0, 12, 0}}) {
    const Cut cut(lengths(c.prompt, c.decode));
    CHECK(cut.reader().header().prompt_length == c.expected_prompt);
    CHECK(cut.reader().header().decode_length == c.expected_decode);
    check_layer(cut.reader().layer(3), cut.original().layer(3), {0, 1, 2},
                c.expected_prompt + c.expected_decode);
  }
}

TEST_CASE("all cuts at once, and a cut of a cut") {
  SliceSpec spec = lengths(4, 5);
  spec.layers = {0, 3};
  spec.kv_heads = {1, 2};
  const Cut cut(spec);
  check_layer(cut.reader().layer(0), cut.original().layer(0), {1, 2}, 9);
  check_layer(cut.reader().layer(3), cut.original().layer(3), {1, 2}, 9);
  const TemporaryFolder folder;
  const std::string path = folder.file("cut.safetensors");
  spec = lengths({}, 1);
  spec.layers = {3};
  spec.kv_heads = {1};
  trace::slice(cut.reader(), spec, path);
  const TraceReader again(path);
  CHECK(again.header().shape == AttentionShape{2, 1, 16});
  check_layer(again.layer(3), cut.original().layer(3), {2}, 5);
}

TEST_CASE("recorded outputs are kept unless they are not wanted") {
  SliceSpec spec = layers({1});
  CHECK(Cut(spec).reader().layer(1).o.has_value());
  spec.output = false;
  const Cut without(spec);
  CHECK_FALSE(without.reader().layer(1).o);
  CHECK(without.reader().index().unused_tensors.empty());
  TraceSpec none = recorded();
  none.output = false;
  CHECK_FALSE(Cut(layers({1}), none).reader().layer(1).o);
}

TEST_CASE("optional metadata survives, other tensors do not") {
  HandMadeTrace hand_made;
  hand_made.metadata.insert(
      {{"producer", "a \"tool\"\n"}, {"sliding_window", "0,2"}, {"own", "1"}});
  hand_made.tensors.insert(hand_made.tensors.begin(), {"ids", "U8", {3}, "abc"});
  const TemporaryFolder folder;
  write_text(folder.file("trace"), hand_made.file());
  const TraceReader original(folder.file("trace"));
  trace::slice(original, lengths(1, {}), folder.file("cut"));
  const TraceReader cut(folder.file("cut"));
  auto expected = hand_made.metadata;
  expected["prompt_length"] = std::string("1");
  CHECK(cut.index().container.metadata == expected);
  CHECK(cut.index().unused_tensors.empty());
  check_layer(cut.layer(0), original.layer(0), {0}, 2);
}

TEST_CASE("a trace may be sliced onto itself") {
  const TemporaryFolder folder;
  const std::string path = folder.file("trace.safetensors");
  write_trace(recorded(), path);
  const TraceReader original(path);
  trace::slice(original, layers({2}), path);
  const TraceReader cut(path);
  CHECK(cut.layers() == Numbers{2});
  check_layer(cut.layer(2), original.layer(2), {0, 1, 2}, 12);
}

TEST_CASE("what the trace does not have is refused by option, and no file is left") {
  struct Case {
    SliceSpec spec;
    std::string option;
    std::string detail;
  };
  const auto [spec, option, detail] = GENERATE(values<Case>({
      {layers({5}), "--layers", "no layer 5"},
      {layers({0, -1}), "--layers", "no layer -1"},
      {layers({kMin}), "--layers", "no layer -9223372036854775808"},
      {kv_heads({3}), "--kv-heads", "no KV head 3"},
      {kv_heads({-1, 0}), "--kv-heads", "no KV head -1"},
      {lengths(0, {}), "--prompt-length", ": 0 of the trace's 12"},
      {lengths(13, {}), "--prompt-length", ": 13 of the trace's 12"},
      {lengths(-1, {}), "--prompt-length", ": -1 of the trace's 12"},
      {lengths(kMin, {}), "--prompt-length", "12 tokens"},
      {lengths(kMax, {}), "--prompt-length", "12 tokens"},
      {lengths(8, 5), "--decode-length", "5 tokens"},
      {lengths(12, 1), "--decode-length", "1 tokens"},
      {lengths({}, 12), "--decode-length", ": 12 leaves no prompt"},
      {lengths({}, 13), "--decode-length", ": 13 leaves no prompt"},
      {lengths({}, -1), "--decode-length", ": -1 "},
      {lengths({}, kMin), "--decode-length", "12 tokens"},
      {lengths({}, kMax), "--decode-length", "12 tokens"},
      {lengths(8, kMin), "--decode-length", "12 tokens"},
      {lengths(8, kMax), "--decode-length", "12 tokens"},
  }));
  const RecordedTrace original(recorded());
  const TemporaryFolder folder;
  try {
    trace::slice(original.reader(), spec, folder.file("cut.safetensors"));
    FAIL("nothing was refused for " << option << ", " << detail);
  } catch (const UsageError& error) {
    CHECK(static_cast<int>(error.exit_code()) == 2);
    CHECK_THAT(error.what(), ContainsSubstring(detail));
    CHECK(std::string(error.what()).starts_with(option + ": "));
  }
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("a slice that cannot be written is an input error with the path") {
  const RecordedTrace original(recorded());
  const TemporaryFolder folder;
  const std::string path = folder.file("missing/cut.safetensors");
  CHECK_THROWS_AS(trace::slice(original.reader(), {}, path), InputError);
}

TEST_CASE("a trace with attention sinks is not sliced: its sink tensors would be lost") {
  const TemporaryFolder folder;
  HandMadeTrace trace;
  trace.metadata["sinks"] = "1";
  const std::string path = folder.file("trace.safetensors");
  write_text(path, trace.file());
  const TraceReader reader(path);
  const std::string out = folder.file("out.safetensors");
  CHECK_THROWS_WITH(trace::slice(reader, {}, out), ContainsSubstring("sinks"));
  CHECK_FALSE(std::filesystem::exists(out));
}

}  // namespace
}  // namespace mikv::test
