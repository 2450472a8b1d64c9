// SPDX-License-Identifier: Apache-2.0
#include "trace/trace_reader.h"

#include <cstring>

#include "core/error.h"
#include "tests/support/catch.h"
#include "tests/support/recorded_trace.h"
#include "tests/support/temporary_folder.h"
#include "tests/trace/hand_made_trace.h"
#include "tests/trace/input_refusal.h"
#include "tests/trace/trace_file.h"
#include "trace/value_check.h"

namespace mikv::test {
namespace {

std::string bytes_of(const TensorView& tensor) {
  return {reinterpret_cast<const char*>(tensor.data),
          static_cast<std::size_t>(tensor.heads * tensor.tokens * tensor.row_bytes())};
}

TEST_CASE("a layer is the recorded bytes, with the shape and lengths of the metadata") {
  const TemporaryFolder folder;
  const std::string path = folder.file("trace.safetensors");
  HandMadeTrace hand_made;
  hand_made.tensors.push_back(HandMadeTrace::tensor("layers.0.o", 2));
  write_text(path, hand_made.file());
  const trace::TraceReader reader(path);
  CHECK(reader.path() == path);
  CHECK(reader.file_bytes() == hand_made.file().size());
  CHECK(reader.layers() == std::vector<std::int64_t>{0});

  const LayerView layer = reader.layer(0);
  CHECK(layer.layer == 0);
  CHECK(layer.shape == AttentionShape{2, 1, 8});
  CHECK(layer.prompt_length == 2);
  CHECK(layer.tokens() == 3);
  CHECK(layer.softmax_scale == reader.header().softmax_scale);
  CHECK(layer.q.heads == 2);
  CHECK(layer.q.tokens == 3);
  CHECK(layer.q.head_dim == 8);
  CHECK(layer.k.heads == 1);
  CHECK(bytes_of(layer.q) == hand_made.tensors[0].data);
  CHECK(bytes_of(layer.k) == hand_made.tensors[1].data);
  CHECK(bytes_of(layer.v) == hand_made.tensors[2].data);
  REQUIRE(layer.o);
  CHECK(bytes_of(*layer.o) == hand_made.tensors[3].data);
}

TEST_CASE("a row is found at its head and token") {
  TraceSpec spec;
  spec.change = [](const std::string& name, std::int64_t head, std::int64_t token,
                   std::int64_t channel, float) {
    const float part = name.back() == 'q' ? 1 : name.back() == 'k' ? 2 : 4;
    return part * static_cast<float>(head * 256 + token * 16 + channel);  // exact in fp16
  };
  const RecordedTrace trace(spec);
  const LayerView layer = trace.layer(1);
  CHECK_FALSE(layer.o);
  for (const auto& [tensor, part] : {std::pair(layer.q, 1.F), {layer.k, 2.F}, {layer.v, 4.F}}) {
    for (const auto& [head, token, channel] : {std::tuple(1, 11, 15), {0, 3, 0}, {1, 0, 7}}) {
      const float expected = part * static_cast<float>(head * 256 + token * 16 + channel);
      CHECK(element_bits(tensor, head, token, channel) == to_element(expected, ElementType::f16));
    }
  }
}

TEST_CASE("tensors that begin at odd bytes are legal and read right") {
  const TemporaryFolder folder;
  const std::string path = folder.file("trace.safetensors");
  const std::size_t shift = GENERATE(1U, 2U, 3U);
  for (const std::string dtype : {"F16", "BF16", "F32"}) {
    HandMadeTrace hand_made;
    for (HandMadeTensor& tensor : hand_made.tensors) {
      tensor.dtype = dtype;
      if (dtype == "F32") tensor.data += tensor.data;
    }
    hand_made.tensors.insert(hand_made.tensors.begin(),
                             {"shift", "U8", {shift}, std::string(shift, 's')});
    // A header of every length modulo 4, so that the file offsets are odd whatever the shift.
    for (int padding = 0; padding < 4; ++padding) {
      hand_made.metadata["producer"] = std::string(static_cast<std::size_t>(padding), 'p');
      write_text(path, hand_made.file());
      const trace::TraceReader reader(path);
      const LayerView layer = reader.layer(0);
      CHECK(bytes_of(layer.q) == hand_made.tensors[1].data);
      CHECK(bytes_of(layer.k) == hand_made.tensors[2].data);
      CHECK(bytes_of(layer.v) == hand_made.tensors[3].data);
      CHECK_NOTHROW(trace::check_values(reader));

      const ElementPosition last{"layers.0.v", 0, 2, 7};
      patch_element(path, last, dtype == "F32" ? 0x7fc00000 : 0x7fc0);
      CHECK_THAT(
          input_refusal(path,
                        [&] { static_cast<void>(trace::check_values(trace::TraceReader(path))); }),
          ContainsSubstring("layers.0.v: is NaN or infinite at head 0, token 2, channel 7"));
    }
  }
}

TEST_CASE("pages that were let go of are read again") {
  TraceSpec spec;
  spec.prompt_length = 500;  // several pages a tensor
  spec.output = true;
  const RecordedTrace trace(spec);
  const LayerView layer = trace.layer();
  const std::string q = bytes_of(layer.q);
  const std::string k = bytes_of(layer.k);
  const std::string o = bytes_of(*layer.o);
  const std::string other = bytes_of(trace.layer(1).q);
  trace.reader().release(layer);
  CHECK(bytes_of(layer.q) == q);
  CHECK(bytes_of(layer.k) == k);
  CHECK(bytes_of(*layer.o) == o);
  CHECK(bytes_of(trace.layer(1).q) == other);
}

TEST_CASE("a layer that is not in the file is a bug of the caller") {
  const RecordedTrace trace({});
  for (const std::int64_t layer : {2, -1}) {
    CHECK_THROWS_AS(trace.layer(layer), InternalError);
  }
}

TEST_CASE("an unreadable trace is refused with its path") {
  const TemporaryFolder folder;
  const std::string path = folder.file("trace\n\x1b[2J.safetensors");
  const std::string printed = folder.file(R"(trace\x0a\x1b[2J.safetensors)");
  const auto opened = [&] { const trace::TraceReader reader(path); };
  CHECK_THAT(input_refusal(printed, opened), ContainsSubstring("cannot be opened"));
  write_text(path, "");
  CHECK_THAT(input_refusal(printed, opened), ContainsSubstring("too short"));
  write_text(path, HandMadeTrace().file() + "x");
  CHECK_THAT(input_refusal(printed, opened), ContainsSubstring("after its last tensor"));
}

TEST_CASE("the traces of the repository open and are finite") {
  for (const char* name : {"line20-layers-0-3-5", "text112-layer-3"}) {
    const trace::TraceReader reader(MIKV_SOURCE_DIR "/data/traces/" + std::string(name) +
                                    ".safetensors");
    CHECK(reader.header().shape == AttentionShape{8, 2, 128});
    CHECK(reader.index().unused_tensors.empty());
    CHECK_NOTHROW(trace::check_values(reader));
  }
}

}  // namespace
}  // namespace mikv::test
