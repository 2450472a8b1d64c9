// SPDX-License-Identifier: Apache-2.0
// JSON that a safetensors header must not hold, each beyond what the reference implementation
// refuses or refused by our own limits.
#include "tests/support/catch.h"
#include "tests/support/trace_builder.h"
#include "tests/trace/hand_made_trace.h"
#include "tests/trace/input_refusal.h"
#include "trace/safetensors_header.h"

namespace mikv::test {
namespace {

const std::string kName = "hostile.safetensors";

trace::SafetensorsHeader parsed(const std::string& header, const std::string& data) {
  return trace::parse_safetensors_header(to_bytes(safetensors_file(header, data)), kName);
}

std::string refused(const std::string& header, const std::string& data = "x") {
  return input_refusal(kName, [&] { static_cast<void>(parsed(header, data)); });
}

std::string in_quotes(const std::string& text) {
  return std::string("\"").append(text).append("\"");
}

/// A header of one tensor "t" of one byte whose fields are given as JSON.
std::string tensor(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"t":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets +
         "}}";
}

/// A header of one valid tensor of one byte with a name given as JSON.
std::string named(const std::string& name_json) {
  return "{" + name_json + R"(:{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
}

std::string with_metadata(const std::string& metadata) {
  return R"({"__metadata__":)" + metadata +
         R"(,"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
}

TEST_CASE("a key that appears twice is refused: two readers would see two different files") {
  const std::string entry = R"({"dtype":"U8","shape":[1],"data_offsets":[0,1]})";
  SECTION("a tensor") {
    CHECK_THAT(refused(R"({"t":)" + entry + R"(,"t":)" + entry + "}"),
               ContainsSubstring("t: appears twice"));
  }
  SECTION("a tensor, spelled with an escape the second time") {
    CHECK_THAT(refused(R"({"t":)" + entry + R"(,"\u0074":)" + entry + "}"),
               ContainsSubstring("t: appears twice"));
  }
  SECTION("__metadata__") {
    CHECK_THAT(refused(R"({"__metadata__":{},"t":)" + entry + R"(,"__metadata__":{}})"),
               ContainsSubstring("__metadata__: appears twice"));
  }
  SECTION("a metadata entry") {
    CHECK_THAT(refused(with_metadata(R"({"version":"1","version":"2"})")),
               ContainsSubstring("__metadata__: has 'version' twice"));
  }
  SECTION("dtype") {
    CHECK_THAT(refused(R"({"t":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}})"),
               ContainsSubstring("t: has an unknown or repeated field 'dtype'"));
  }
  SECTION("shape") {
    CHECK_THAT(refused(R"({"t":{"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]}})"),
               ContainsSubstring("t: has an unknown or repeated field 'shape'"));
  }
  SECTION("data_offsets") {
    CHECK_THAT(
        refused(R"({"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"data_offsets":[0,1]}})"),
        ContainsSubstring("t: has an unknown or repeated field 'data_offsets'"));
  }
}

TEST_CASE("offsets and dimensions are unsigned integers of 64 bits and nothing else") {
  CHECK(parsed(tensor(R"("U8")", "[1]", "[0,1]"), "x").tensors.size() == 1);
  const std::string bad =
      GENERATE(as<std::string>{}, "-1", "-0", "1.0", "0.5", "1e0", "1E2", "-1e300", "1e400",
               "18446744073709551616", "99999999999999999999999999", "01", "+1", "0x1", "1_0",
               "\"1\"", "null", "true", "[1]", "{}", "NaN", "Infinity", "");
  INFO(bad);
  CHECK_THAT(refused(tensor(R"("U8")", "[1]", "[0," + bad + "]")), ContainsSubstring(": t: "));
  CHECK_THAT(refused(tensor(R"("U8")", "[1]", "[" + bad + ",1]")), ContainsSubstring(": t: "));
  CHECK_THAT(refused(tensor(R"("U8")", "[1," + bad + "]", "[0,1]")), ContainsSubstring(": t: "));
}

TEST_CASE("a number of the wrong kind is called by its kind") {
  CHECK_THAT(refused(tensor(R"("U8")", "[1]", "[-1,1]")), ContainsSubstring("negative"));
  for (const std::string number : {"1.5", "1e0", "18446744073709551616"}) {
    CHECK_THAT(refused(tensor(R"("U8")", "[1]", "[0," + number + "]")),
               ContainsSubstring("no integer of 64 bits"));
  }
}

TEST_CASE("data_offsets are two numbers") {
  CHECK_THAT(refused(tensor(R"("U8")", "[1]", "[]")),
             ContainsSubstring("t: data_offsets has fewer"));
  CHECK_THAT(refused(tensor(R"("U8")", "[1]", "[0]")),
             ContainsSubstring("t: data_offsets has fewer"));
  CHECK_THAT(refused(tensor(R"("U8")", "[1]", "[0,1,1]")),
             ContainsSubstring("t: data_offsets has more"));
  CHECK_THAT(refused(tensor(R"("U8")", "[1]", "1")), ContainsSubstring("t: "));
  CHECK_THAT(refused(tensor(R"("U8")", "[1]", R"({"begin":0})")), ContainsSubstring("t: "));
}

TEST_CASE("a tensor without dtype, shape or data_offsets is refused") {
  CHECK_THAT(refused(R"({"t":{"shape":[1],"data_offsets":[0,1]}})"),
             ContainsSubstring("t: has no dtype"));
  CHECK_THAT(refused(R"({"t":{"dtype":"U8","data_offsets":[0,1]}})"),
             ContainsSubstring("t: has no shape"));
  CHECK_THAT(refused(R"({"t":{"dtype":"U8","shape":[1]}})"),
             ContainsSubstring("t: has no data_offsets"));
  CHECK_THAT(refused(R"({"t":{}})"), ContainsSubstring("t: has no dtype"));
}

TEST_CASE("what the first tensor has does not count for the second") {
  CHECK_THAT(
      refused(
          R"({"first":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"second":{"dtype":"U8"}})"),
      ContainsSubstring("second: has no shape"));
}

TEST_CASE("an unknown field of a tensor is refused") {
  CHECK_THAT(refused(R"({"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"strides":[1]}})"),
             ContainsSubstring("t: has an unknown or repeated field 'strides'"));
}

TEST_CASE("a tensor is an object") {
  for (const std::string value : {"1", "-1", "1.5", "null", "true", "\"U8\"", "[]"}) {
    INFO(value);
    CHECK_THAT(refused(R"({"t":)" + value + "}"), ContainsSubstring("t: holds "));
  }
}

TEST_CASE("nesting deeper than the format's is refused at its first level") {
  SECTION("an array at the top") {
    CHECK_THAT(refused("[]"), ContainsSubstring("header: does not begin with '{'"));
  }
  SECTION("an object in a tensor") {
    CHECK_THAT(refused(R"({"t":{"dtype":{"a":{}},"shape":[1],"data_offsets":[0,1]}})"),
               ContainsSubstring("t: holds an object"));
  }
  SECTION("an array in shape") {
    CHECK_THAT(refused(tensor(R"("U8")", "[[1]]", "[0,1]")),
               ContainsSubstring("t: holds an array"));
  }
  SECTION("an object in shape") {
    CHECK_THAT(refused(tensor(R"("U8")", R"([{"a":1}])", "[0,1]")),
               ContainsSubstring("t: holds an object"));
  }
  SECTION("an object in metadata") {
    CHECK_THAT(refused(with_metadata(R"({"a":{"b":"c"}})")),
               ContainsSubstring("__metadata__.a: holds an object"));
  }
  SECTION("a hundred thousand arrays, which would overflow a recursive parser's stack") {
    CHECK_THAT(refused(R"({"t":)" + std::string(100'000, '[')), ContainsSubstring("t: "));
    CHECK_THAT(refused(tensor(R"("U8")", std::string(100'000, '['), "[0,1]")),
               ContainsSubstring("t: holds an array"));
  }
  SECTION("a hundred thousand objects") {
    std::string header;
    for (int i = 0; i < 100'000; ++i) header += R"({"a":)";
    CHECK_THAT(refused(header), ContainsSubstring("a: "));
  }
}

TEST_CASE("metadata maps strings to strings, and the refusal names the entry") {
  CHECK(parsed(with_metadata("{}"), "x").metadata.empty());
  for (const std::string value : {"1", "-1", "1.5", "null", "true", "[]", "{}", R"(["a"])"}) {
    INFO(value);
    CHECK_THAT(refused(with_metadata(R"({"num_layers":)" + value + "}")),
               ContainsSubstring("__metadata__.num_layers: holds "));
    CHECK_THAT(refused(with_metadata(R"({"a":"b","num_layers":)" + value + "}")),
               ContainsSubstring("__metadata__.num_layers: holds "));
  }
  for (const std::string value : {"1", "null", "true", "[]", R"("text")"}) {
    INFO(value);
    CHECK_THAT(refused(with_metadata(value)), ContainsSubstring("__metadata__: holds "));
  }
}

TEST_CASE("an unknown dtype is refused by name, a huge one is cut") {
  for (const std::string dtype : {"F17", "f16", "", "F16 ", "float16"}) {
    CHECK_THAT(refused(tensor(in_quotes(dtype), "[1]", "[0,1]")),
               ContainsSubstring("t: has the unknown dtype '" + dtype + "'"));
  }
  CHECK_THAT(refused(tensor(in_quotes(std::string(1'000'000, 'F')), "[1]", "[0,1]")),
             ContainsSubstring("t: has the unknown dtype 'FFFF"));
  for (const std::string dtype : {"8", "null", R"(["U8"])"}) {
    CHECK_THAT(refused(tensor(dtype, "[1]", "[0,1]")), ContainsSubstring("t: holds "));
  }
}

TEST_CASE("a name may have 256 bytes, not more") {
  const std::string longest(256, 'n');
  CHECK(parsed(named(in_quotes(longest)), "x").tensors[0].name == longest);
  for (const std::size_t length : {257U, 100'000U}) {
    const std::string line = refused(named(in_quotes(std::string(length, 'n'))));
    CHECK_THAT(line, ContainsSubstring("nnn: is a name of more than 256 bytes"));
  }
  CHECK_THAT(refused(R"({"t":{")" + std::string(100'000, 'n') + R"(":1}})"),
             ContainsSubstring("t: has an unknown or repeated field 'nnn"));
}

TEST_CASE("a name holds no control characters, escaped or raw") {
  for (const std::string name : {R"(a\u0000b)", R"(\u0000)", R"(a\nb)", R"(a\tb)", R"(\u001b[2J)",
                                 R"(\u007f)", "\x7f", R"(a\r)"}) {
    INFO(name);
    CHECK_THAT(refused(named(in_quotes(name))),
               ContainsSubstring("is a name with a control character"));
  }
  for (const auto& name : {std::string("a\0b", 3), std::string("a\nb"), std::string("\x1b")}) {
    CHECK_THAT(refused(named(in_quotes(name))), ContainsSubstring("header: "));
  }
  // C1 controls are legal in a name but must not reach a terminal.
  CHECK_THAT(refused(R"({"a\u009bb":1})"), ContainsSubstring(R"(a\xc2\x9bb: holds a number)"));
}

TEST_CASE("a control character in a metadata value is kept but never printed raw") {
  const auto header = parsed(with_metadata(R"({"model":"a\u0000b\n"})"), "x");
  CHECK(header.metadata.at("model") == std::string("a\0b\n", 4));
  CHECK_THAT(refused(with_metadata(R"({"a\u001b[31m":"1","a\u001b[31m":"2"})")),
             ContainsSubstring(R"(__metadata__: has 'a\x1b[31m' twice)"));
  CHECK_THAT(refused(with_metadata(R"({"a\nb":1})")),
             ContainsSubstring(R"(__metadata__.a\x0ab: holds a number)"));
  CHECK_THAT(refused(R"({"t":{"dtype":"U\n8","shape":[1],"data_offsets":[0,1]}})"),
             ContainsSubstring(R"(t: has the unknown dtype 'U\x0a8')"));
}

TEST_CASE("text that is no Unicode is refused") {
  for (const std::string name :
       {R"(\ud800)", R"(\udc00)", R"(\ud800a)", R"(\ud800\ud800)", R"(\udc00\ud800)",
        R"(\ud83d\u0041)", R"(\u12)", R"(\uzzzz)", "\xff", "\xc0\x80", "\xc3", "\xed\xa0\x80",
        "\xf4\x90\x80\x80", "\xe2\x82"}) {
    INFO(name);
    CHECK_THAT(refused(named(in_quotes(name))), ContainsSubstring("not valid JSON"));
    CHECK_THAT(refused(with_metadata(R"({"model":")" + name + R"("})")),
               ContainsSubstring("not valid JSON"));
  }
  CHECK(parsed(named(R"("\ud83d\ude00")"), "x").tensors[0].name == "\xf0\x9f\x98\x80");
}

TEST_CASE("broken JSON is refused where it breaks") {
  for (const std::string header :
       {R"({"t")", R"({"t":})", R"({"t":{"dtype":"U8",}})", R"({t:1})", R"({'t':1})", "{,}", "{]",
        R"({"t":{"dtype":"U8","shape":[1,],"data_offsets":[0,1]}})", R"({"t)", "{\"t\\"}) {
    INFO(header);
    CHECK_THAT(refused(header), ContainsSubstring("not valid JSON at byte "));
  }
}

TEST_CASE("a shape may have 8 dimensions, not more") {
  CHECK(parsed(tensor(R"("U8")", "[1,1,1,1,1,1,1,1]", "[0,1]"), "x").tensors[0].shape.size() == 8);
  CHECK_THAT(refused(tensor(R"("U8")", "[1,1,1,1,1,1,1,1,1]", "[0,1]")),
             ContainsSubstring("t: has more than 8 dimensions"));
}

TEST_CASE("metadata is limited in entries and bytes") {
  const auto entries = [](std::size_t count) {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < count; ++i) {
      texts.push_back(in_quotes(std::to_string(i)).append(R"(:"v")"));
    }
    return with_metadata(object_json(texts));
  };
  CHECK(parsed(entries(1024), "x").metadata.size() == 1024);
  CHECK_THAT(refused(entries(1025)), ContainsSubstring("__metadata__: has more than 1024 entries"));

  const auto sized = [](std::size_t key, std::size_t value) {
    return with_metadata(object_json(
        {R"("a":"b")",
         in_quotes(std::string(key, 'k')).append(":").append(in_quotes(std::string(value, 'v')))}));
  };
  CHECK(parsed(sized(6, 1'048'568), "x").metadata.size() == 2);
  CHECK_THAT(refused(sized(6, 1'048'569)), ContainsSubstring("__metadata__: is larger than 1 MiB"));
  CHECK_THAT(refused(sized(1'048'575, 0)), ContainsSubstring("__metadata__: is larger than 1 MiB"));
}

}  // namespace
}  // namespace mikv::test
