// SPDX-License-Identifier: Apache-2.0
// Which tensors a trace must, may and must not hold.
#include "tests/support/catch.h"
#include "tests/trace/hand_made_trace.h"
#include "tests/trace/input_refusal.h"
#include "trace/trace_reader.h"

namespace mikv::test {
namespace {

const std::string kName = "some.safetensors";

trace::TraceIndex indexed(const HandMadeTrace& hand_made) {
  return trace::index_trace(to_bytes(hand_made.file()), kName);
}

std::string refused(const HandMadeTrace& hand_made) {
  return input_refusal(kName, [&] { static_cast<void>(indexed(hand_made)); });
}

void add_layer(HandMadeTrace& hand_made, const std::string& layer) {
  for (const char* part : {"q", "k", "v"}) {
    hand_made.tensors.push_back(
        HandMadeTrace::tensor("layers." + layer + "." + part, part[0] == 'q' ? 2 : 1));
  }
}

TEST_CASE("each layer's tensors are found by name, whatever their order in the file") {
  HandMadeTrace hand_made;
  hand_made.metadata["num_layers"] = "12";
  add_layer(hand_made, "11");
  hand_made.tensors.push_back(HandMadeTrace::tensor("layers.0.o", 2));
  std::swap(hand_made.tensors[0], hand_made.tensors[5]);
  const trace::TraceIndex index = indexed(hand_made);
  CHECK(index.element == ElementType::f16);
  CHECK(index.unused_tensors.empty());
  REQUIRE(index.layers.size() == 2);
  const auto name = [&](std::size_t tensor) { return index.container.tensors.at(tensor).name; };
  CHECK(name(index.layers.at(0).q) == "layers.0.q");
  CHECK(name(index.layers.at(0).k) == "layers.0.k");
  CHECK(name(index.layers.at(0).v) == "layers.0.v");
  CHECK(name(index.layers.at(0).o.value()) == "layers.0.o");
  CHECK(name(index.layers.at(11).q) == "layers.11.q");
  CHECK(name(index.layers.at(11).k) == "layers.11.k");
  CHECK(name(index.layers.at(11).v) == "layers.11.v");
  CHECK_FALSE(index.layers.at(11).o);
}

TEST_CASE("a file may hold a subset of the model's layers") {
  HandMadeTrace hand_made;
  hand_made.metadata["num_layers"] = "100";
  add_layer(hand_made, "99");
  const trace::TraceIndex index = indexed(hand_made);
  CHECK(index.header.num_layers == 100);
  CHECK(index.layers.contains(0));
  CHECK(index.layers.contains(99));
  CHECK(index.layers.size() == 2);
}

TEST_CASE("a missing q, k or v is named") {
  for (std::size_t i = 0; i < 3; ++i) {
    HandMadeTrace hand_made;
    const std::string name = hand_made.tensors[i].name;
    hand_made.tensors.erase(hand_made.tensors.begin() + static_cast<std::ptrdiff_t>(i));
    CHECK_THAT(refused(hand_made), ContainsSubstring(": " + name + ": is missing"));
  }
}

TEST_CASE("an output alone is no layer") {
  HandMadeTrace hand_made;
  hand_made.tensors.push_back(HandMadeTrace::tensor("layers.1.o", 2));
  CHECK_THAT(refused(hand_made), ContainsSubstring(": layers.1.q: is missing"));
}

TEST_CASE("a file without any layer is refused") {
  HandMadeTrace hand_made;
  hand_made.tensors.clear();
  CHECK_THAT(refused(hand_made), ContainsSubstring("holds no tensor named layers.<i>.q"));
  hand_made.tensors.push_back({"model.embed", "U8", {1}, "x"});
  CHECK_THAT(refused(hand_made), ContainsSubstring("holds no tensor named layers.<i>.q"));
}

TEST_CASE("a layer that the model does not have is refused") {
  for (const std::string layer : {"2", "3", "65536", "9223372036854775807"}) {
    HandMadeTrace hand_made;
    add_layer(hand_made, layer);
    CHECK_THAT(refused(hand_made),
               ContainsSubstring(": layers." + layer + ".q: is beyond num_layers 2"));
  }
}

TEST_CASE("a name that only looks like a layer's is never taken for one") {
  for (const std::string name : {"layers.01.q",
                                 "layers.+1.q",
                                 "layers.-1.q",
                                 "layers.-0.q",
                                 "layers. 1.q",
                                 "layers.1 .q",
                                 "layers.1.0.q",
                                 "layers.0x1.q",
                                 "layers..q",
                                 "layers.1.",
                                 "layers.1",
                                 "layers.1.Q",
                                 "layers.1.q ",
                                 "layers.1.q.weight",
                                 "layers.1.w",
                                 "Layers.1.q",
                                 "xlayers.1.q",
                                 "layer.1.q",
                                 "layers.18446744073709551617.q",
                                 "sinks",
                                 "sinks.",
                                 "sinks.01",
                                 "sinks.x",
                                 "q",
                                 "layers."}) {
    INFO(name);
    HandMadeTrace hand_made;
    hand_made.tensors.push_back({name, "U8", {1}, "x"});
    const trace::TraceIndex index = indexed(hand_made);
    CHECK(index.layers.size() == 1);
    CHECK(index.unused_tensors == std::vector<std::string>{name});
  }
}

TEST_CASE("tensors of other kinds may be there and are listed") {
  HandMadeTrace hand_made;
  hand_made.tensors.insert(hand_made.tensors.begin(), {"first", "I64", {}, "12345678"});
  hand_made.tensors.push_back({"last", "F4", {2}, "x"});
  CHECK(indexed(hand_made).unused_tensors == std::vector<std::string>{"first", "last"});
}

TEST_CASE("a shape that contradicts the metadata is refused with both") {
  const std::size_t which = GENERATE(0U, 1U, 2U, 3U);
  HandMadeTrace hand_made;
  hand_made.tensors.push_back(HandMadeTrace::tensor("layers.0.o", 2));
  HandMadeTensor& tensor = hand_made.tensors[which];
  const std::uint64_t heads = tensor.shape[0];
  const auto reshape = [&](const std::vector<std::uint64_t>& shape) {
    std::uint64_t bytes = 2;
    for (const std::uint64_t n : shape) bytes *= n;
    tensor.shape = shape;
    tensor.data.assign(bytes, '\0');
  };
  SECTION("heads") {
    reshape({heads + 1, 3, 8});
  }
  SECTION("the other kind of heads") {
    reshape({3 - heads, 3, 8});
  }
  SECTION("a token more") {
    reshape({heads, 4, 8});
  }
  SECTION("only the prompt") {
    reshape({heads, 2, 8});
  }
  SECTION("channels") {
    reshape({heads, 3, 16});
  }
  SECTION("tokens and heads swapped") {
    reshape({3, heads, 8});
  }
  SECTION("tokens and channels swapped") {
    reshape({heads, 8, 3});
  }
  SECTION("one dimension") {
    reshape({heads * 3 * 8});
  }
  SECTION("two dimensions") {
    reshape({heads * 3, 8});
  }
  SECTION("a batch dimension") {
    reshape({1, heads, 3, 8});
  }
  SECTION("a trailing dimension") {
    reshape({heads, 3, 8, 1});
  }
  const std::string line = refused(hand_made);
  CHECK_THAT(line, ContainsSubstring(": " + tensor.name + ": has shape [" +
                                     std::to_string(tensor.shape[0])));
  CHECK_THAT(line, ContainsSubstring("the metadata says [" + std::to_string(heads) + ", 3, 8]"));
}

TEST_CASE("metadata that contradicts the shapes is refused") {
  for (const auto& [field, value] : std::map<std::string, std::string>{{"num_query_heads", "4"},
                                                                       {"num_kv_heads", "2"},
                                                                       {"head_dim", "16"},
                                                                       {"prompt_length", "3"},
                                                                       {"decode_length", "0"}}) {
    HandMadeTrace hand_made;
    hand_made.metadata[field] = value;
    INFO(field);
    CHECK_THAT(refused(hand_made),
               ContainsSubstring(": layers.0.") && ContainsSubstring("where the metadata says"));
  }
}

TEST_CASE("missing metadata is named before any tensor") {
  HandMadeTrace hand_made;
  hand_made.metadata.erase("head_dim");
  CHECK_THAT(refused(hand_made), ContainsSubstring("__metadata__.head_dim: is missing"));
  hand_made.metadata.clear();
  CHECK_THAT(refused(hand_made), ContainsSubstring("__metadata__.format: is missing"));
}

TEST_CASE("the three element types are read, others are refused by name") {
  const auto with_dtype = [](const std::string& dtype, std::size_t size) {
    HandMadeTrace hand_made;
    for (HandMadeTensor& tensor : hand_made.tensors) {
      tensor.dtype = dtype;
      tensor.data.resize(tensor.data.size() / 2 * size);
    }
    return hand_made;
  };
  CHECK(indexed(with_dtype("F16", 2)).element == ElementType::f16);
  CHECK(indexed(with_dtype("BF16", 2)).element == ElementType::bf16);
  CHECK(indexed(with_dtype("F32", 4)).element == ElementType::f32);
  for (const auto& [dtype, size] : std::map<std::string, std::size_t>{
           {"F64", 8}, {"I16", 2}, {"U16", 2}, {"F8_E4M3", 1}, {"BOOL", 1}}) {
    CHECK_THAT(refused(with_dtype(dtype, size)),
               ContainsSubstring(": layers.0.q: has dtype " + dtype + ", not F16, BF16 or F32"));
  }
}

TEST_CASE("mixed element types are refused: one would be read as the other") {
  SECTION("within a layer") {
    HandMadeTrace hand_made;
    hand_made.tensors[2].dtype = "BF16";
    CHECK_THAT(refused(hand_made),
               ContainsSubstring(": layers.0.v: has dtype BF16 where earlier tensors have F16"));
  }
  SECTION("between layers") {
    HandMadeTrace hand_made;
    add_layer(hand_made, "1");
    for (std::size_t i = 3; i < 6; ++i) hand_made.tensors[i].dtype = "BF16";
    CHECK_THAT(refused(hand_made), ContainsSubstring(": layers.1.q: has dtype BF16"));
  }
  SECTION("in the output") {
    HandMadeTrace hand_made;
    HandMadeTensor output = HandMadeTrace::tensor("layers.0.o", 2);
    output.dtype = "F32";
    output.data += output.data;
    hand_made.tensors.push_back(output);
    CHECK_THAT(refused(hand_made), ContainsSubstring(": layers.0.o: has dtype F32"));
  }
}

TEST_CASE("sinks that the metadata does not announce are refused: replay would leave them out") {
  HandMadeTrace hand_made;
  hand_made.tensors.push_back({"sinks.0", "F16", {2}, "abcd"});
  SECTION("not announced") {
    CHECK_THAT(refused(hand_made),
               ContainsSubstring(": sinks.0: ") && ContainsSubstring("__metadata__.sinks"));
  }
  SECTION("denied") {
    hand_made.metadata["sinks"] = "0";
    CHECK_THAT(refused(hand_made), ContainsSubstring(": sinks.0: "));
  }
  SECTION("announced") {
    hand_made.metadata["sinks"] = "1";
    const trace::TraceIndex index = indexed(hand_made);
    CHECK(index.header.sinks);
    CHECK(index.unused_tensors.empty());
  }
  SECTION("of a layer that the model does not have") {
    hand_made.metadata["sinks"] = "1";
    hand_made.tensors.back().name = "sinks.2";
    CHECK_THAT(refused(hand_made), ContainsSubstring(": sinks.2: is beyond num_layers 2"));
  }
}

}  // namespace
}  // namespace mikv::test
