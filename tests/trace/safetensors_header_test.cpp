// SPDX-License-Identifier: Apache-2.0
// The hostile files of the reference implementation's own tests: lengths, offsets, sizes.
#include "trace/safetensors_header.h"

#include <cstring>

#include "tests/support/catch.h"
#include "tests/support/trace_builder.h"
#include "tests/trace/hand_made_trace.h"
#include "tests/trace/input_refusal.h"
#include "trace/trace_reader.h"

namespace mikv::test {
namespace {

const std::string kName = "folder/hostile.safetensors";

trace::SafetensorsHeader parsed(const std::string& file) {
  return trace::parse_safetensors_header(to_bytes(file), kName);
}

std::string refused(const std::string& file) {
  return input_refusal(kName, [&] { static_cast<void>(parsed(file)); });
}

std::string with_length(std::uint64_t length, const std::string& rest) {
  std::string file(sizeof length, '\0');
  std::memcpy(file.data(), &length, sizeof length);
  return file + rest;
}

std::string zeros(std::size_t count) {
  return std::string(count, '\0');
}

/// A file of one tensor "t".
std::string one_tensor(const std::string& dtype, const std::vector<std::uint64_t>& shape,
                       std::uint64_t end) {
  return safetensors_file(object_json({tensor_json({"t", dtype, shape, ""}, 0, end)}), zeros(end));
}

TEST_CASE("an honest header is read as it is written") {
  const auto header = parsed(hand_made_file(
      {{"format", "x"}, {"empty", ""}},
      {{"b", "F16", {2, 3}, zeros(12)}, {"a", "I64", {1}, zeros(8)}, {"é", "U8", {}, zeros(1)}}));
  CHECK(header.metadata == std::map<std::string, std::string>{{"format", "x"}, {"empty", ""}});
  REQUIRE(header.tensors.size() == 3);
  CHECK(header.tensors[0].name == "b");
  CHECK(header.tensors[0].dtype == "F16");
  CHECK(header.tensors[0].shape == std::vector<std::uint64_t>{2, 3});
  CHECK(header.tensors[0].begin == header.data_begin);
  CHECK(header.tensors[0].end == header.data_begin + 12);
  CHECK(header.tensors[1].name == "a");
  CHECK(header.tensors[1].begin == header.data_begin + 12);
  CHECK(header.tensors[1].end == header.data_begin + 20);
  CHECK(header.tensors[2].name == "é");
  CHECK(header.tensors[2].shape.empty());
}

TEST_CASE("the data begins right after the header, wherever that is") {
  const std::string header = R"({"t":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}})";
  for (std::size_t padding = 0; padding < 9; ++padding) {
    const std::string file = safetensors_file(header + std::string(padding, ' '), "abc");
    CHECK(parsed(file).data_begin == 8 + header.size() + padding);
    CHECK(parsed(file).tensors[0].end == file.size());
  }
}

TEST_CASE("tensors are given in file order, whatever the order of the names") {
  const auto header =
      parsed(safetensors_file(object_json({tensor_json({"a", "U8", {2}, ""}, 3, 5),
                                           tensor_json({"b", "U8", {3}, ""}, 0, 3)}),
                              zeros(5)));
  REQUIRE(header.tensors.size() == 2);
  CHECK(header.tensors[0].name == "b");
  CHECK(header.tensors[1].name == "a");
}

TEST_CASE("tensors must not share bytes") {
  SECTION("ten tensors over the same bytes") {
    std::vector<std::string> entries;
    for (int i = 0; i < 10; ++i) {
      entries.push_back(tensor_json({"tensor_" + std::to_string(i), "I32", {2, 2}, ""}, 0, 16));
    }
    const std::string line = refused(safetensors_file(object_json(entries), zeros(16)));
    CHECK_THAT(line, ContainsSubstring(": tensor_") && ContainsSubstring("overlap"));
  }
  SECTION("two that share four bytes") {
    const std::string line =
        refused(safetensors_file(object_json({tensor_json({"first", "U8", {8}, ""}, 0, 8),
                                              tensor_json({"second", "U8", {8}, ""}, 4, 12)}),
                                 zeros(12)));
    CHECK_THAT(line, ContainsSubstring("second: begins at data byte 4 instead of 8"));
  }
  SECTION("one inside another") {
    const std::string line =
        refused(safetensors_file(object_json({tensor_json({"outer", "U8", {8}, ""}, 0, 8),
                                              tensor_json({"inner", "U8", {2}, ""}, 2, 4)}),
                                 zeros(8)));
    CHECK_THAT(line, ContainsSubstring("inner: "));
  }
}

TEST_CASE("every byte of the data belongs to a tensor") {
  const std::string valid = hand_made_file({}, {{"t", "U8", {4}, "abcd"}});
  CHECK(parsed(valid).tensors.size() == 1);
  SECTION("bytes after the last tensor (a polyglot file)") {
    CHECK_THAT(refused(valid + "PK"), ContainsSubstring("has 2 bytes after its last tensor"));
    CHECK_THAT(refused(valid + zeros(1)), ContainsSubstring("has 1 bytes after its last tensor"));
  }
  SECTION("the last two bytes are missing") {
    CHECK_THAT(refused(valid.substr(0, valid.size() - 2)), ContainsSubstring("t: ends beyond"));
  }
  SECTION("a gap between tensors") {
    CHECK_THAT(refused(safetensors_file(object_json({tensor_json({"first", "U8", {2}, ""}, 0, 2),
                                                     tensor_json({"second", "U8", {2}, ""}, 3, 5)}),
                                        zeros(5))),
               ContainsSubstring("second: begins at data byte 3 instead of 2"));
  }
  SECTION("a gap before the first tensor") {
    CHECK_THAT(
        refused(safetensors_file(object_json({tensor_json({"t", "U8", {2}, ""}, 1, 3)}), zeros(3))),
        ContainsSubstring("t: begins at data byte 1 instead of 0"));
  }
  SECTION("data without any tensor") {
    CHECK_THAT(refused(safetensors_file("{}", "x")), ContainsSubstring("1 bytes after its last"));
  }
}

TEST_CASE("a header length is checked before anything is read or allocated") {
  const std::string sixty =
      R"({"t":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})" + std::string(7, ' ');
  REQUIRE(sixty.size() == 60);
  CHECK(parsed(with_length(60, sixty + "ab")).tensors.size() == 1);
  SECTION("0xffffff000000003c before a header of 60 bytes") {
    CHECK_THAT(refused(with_length(0xffffff000000003c, sixty)),
               ContainsSubstring("header: claims 18446742974197923900 bytes"));
  }
  SECTION("one that overflows when 8 is added") {
    for (std::uint64_t below = 1; below <= 8; ++below) {
      CHECK_THAT(refused(with_length(0 - below, sixty)), ContainsSubstring("header: claims"));
    }
  }
  SECTION("one over the format's cap") {
    CHECK_THAT(refused(with_length(100'000'001, sixty)), ContainsSubstring("100000000"));
  }
  SECTION("the cap itself, but not in the file") {
    CHECK_THAT(refused(with_length(100'000'000, sixty)),
               ContainsSubstring("header: claims 100000000 bytes, more than the file has left"));
  }
  SECTION("one byte more than the file has") {
    CHECK_THAT(refused(with_length(61, sixty)), ContainsSubstring("more than the file has left"));
  }
  SECTION("an empty file") {
    CHECK_THAT(refused(""), ContainsSubstring("too short") && ContainsSubstring("0 bytes"));
  }
  SECTION("a file of 7 bytes") {
    CHECK_THAT(refused(zeros(7)), ContainsSubstring("too short") && ContainsSubstring("7 bytes"));
  }
  SECTION("8 bytes that promise 60 more") {
    CHECK_THAT(refused(with_length(60, "")), ContainsSubstring("header: claims 60 bytes"));
  }
  SECTION("a header of no bytes") {
    CHECK_THAT(refused(with_length(0, "")), ContainsSubstring("header: does not begin with '{'"));
  }
  SECTION("a header of one byte 0xff") {
    CHECK_THAT(refused(with_length(1, "\xff")), ContainsSubstring("header: "));
  }
  SECTION("a header of one byte {") {
    CHECK_THAT(refused(with_length(1, "{")),
               ContainsSubstring("header: ") && ContainsSubstring("not valid JSON"));
  }
  SECTION("a header that ends inside its JSON") {
    CHECK_THAT(refused(with_length(30, sixty)), ContainsSubstring("not valid JSON"));
  }
}

TEST_CASE("a shape cannot wrap round to a small size") {
  SECTION("[2, 18446744073709551614]") {
    CHECK_THAT(refused(one_tensor("I32", {2, 18446744073709551614U}, 16)),
               ContainsSubstring("t: has a shape whose size overflows"));
  }
  SECTION("[2, 9223372036854775807]") {
    CHECK_THAT(refused(one_tensor("I32", {2, 9223372036854775807U}, 16)),
               ContainsSubstring("t: has a shape whose size overflows"));
  }
  SECTION("elements fit 64 bits but their bits wrap to 0") {
    CHECK_THAT(refused(one_tensor("I32", {std::uint64_t{1} << 59}, 0)),
               ContainsSubstring("t: has a shape whose size overflows"));
  }
  SECTION("2^64 elements, which is 0 modulo 2^64") {
    CHECK_THAT(refused(one_tensor("I32", {1U << 30, 1U << 30, 1U << 4}, 0)),
               ContainsSubstring("t: has a shape whose size overflows"));
  }
  SECTION("a zero after the overflow hides nothing") {
    CHECK_THAT(refused(one_tensor("I32", {std::uint64_t{1} << 63, 4, 0}, 0)),
               ContainsSubstring("t: has a shape whose size overflows"));
  }
}

TEST_CASE("a tensor has exactly the bytes that its shape and dtype need") {
  SECTION("I32 [2, 2] in 4 bytes") {
    CHECK_THAT(refused(one_tensor("I32", {2, 2}, 4)),
               ContainsSubstring("t: has 4 bytes where its shape and dtype need 16"));
  }
  SECTION("one byte too many") {
    CHECK_THAT(refused(one_tensor("F16", {3}, 7)), ContainsSubstring("t: has 7 bytes"));
  }
  SECTION("one byte too few") {
    CHECK_THAT(refused(one_tensor("F16", {3}, 5)), ContainsSubstring("t: has 5 bytes"));
  }
  SECTION("a scalar without bytes") {
    CHECK_THAT(refused(one_tensor("I32", {}, 0)), ContainsSubstring("t: has 0 bytes"));
  }
  SECTION("bytes for a shape with a zero") {
    CHECK_THAT(refused(one_tensor("I32", {2, 0}, 8)), ContainsSubstring("need 0"));
  }
}

TEST_CASE("sub-byte dtypes must end on a byte") {
  CHECK(parsed(one_tensor("F4", {1, 2}, 1)).tensors.size() == 1);
  CHECK(parsed(one_tensor("F6_E2M3", {4}, 3)).tensors.size() == 1);
  for (const std::uint64_t end : {1U, 2U}) {
    CHECK_THAT(refused(one_tensor("F4", {1, 3}, end)),
               ContainsSubstring("t: does not end on a whole byte"));
  }
  CHECK_THAT(refused(one_tensor("F6_E3M2", {2}, 1)), ContainsSubstring("whole byte"));
}

TEST_CASE("empty tensors and scalars are a legal container but no legal trace") {
  CHECK(parsed(one_tensor("I32", {2, 0}, 0)).tensors.size() == 1);
  CHECK(parsed(one_tensor("I32", {}, 4)).tensors.size() == 1);
  // An empty tensor between two others takes no place.
  CHECK(parsed(hand_made_file({},
                              {{"a", "U8", {1}, "x"}, {"b", "U8", {0}, ""}, {"c", "U8", {1}, "y"}}))
            .tensors.size() == 3);

  HandMadeTrace hand_made;
  SECTION("a recorded tensor of no elements") {
    hand_made.tensors[1].shape = {2, 0};
    hand_made.tensors[1].data = "";
  }
  SECTION("a recorded tensor that is a scalar") {
    hand_made.tensors[1].shape = {};
    hand_made.tensors[1].data = "ab";
  }
  const auto file = to_bytes(hand_made.file());
  CHECK_THAT(input_refusal(kName, [&] { static_cast<void>(trace::index_trace(file, kName)); }),
             ContainsSubstring("layers.0.k: has shape ["));
}

TEST_CASE("white space around the header is legal") {
  const std::string object = R"({"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
  for (const char* space : {" ", "\t", "\r", "\n", " \t\r\n \n"}) {
    CHECK(parsed(safetensors_file(space + object, "x")).tensors.size() == 1);
    CHECK(parsed(safetensors_file(object + space, "x")).tensors.size() == 1);
  }
  CHECK(parsed(safetensors_file("{}", "")).tensors.empty());
  CHECK_THAT(refused(safetensors_file("    ", "")), ContainsSubstring("does not begin with '{'"));
}

TEST_CASE("nothing else may stand before or after the header's object") {
  const std::string object = R"({"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
  SECTION("a byte order mark") {
    CHECK_THAT(refused(safetensors_file("\xef\xbb\xbf" + object, "x")),
               ContainsSubstring("header: does not begin with '{'"));
  }
  SECTION("a form feed or a NUL before it") {
    CHECK_THAT(refused(safetensors_file("\f" + object, "x")), ContainsSubstring("header: "));
    CHECK_THAT(refused(safetensors_file(zeros(1) + object, "x")), ContainsSubstring("header: "));
  }
  SECTION("NUL padding") {
    CHECK_THAT(refused(safetensors_file(object + zeros(3), "x")), ContainsSubstring("NUL"));
  }
  SECTION("anything hidden behind a NUL") {
    CHECK_THAT(refused(safetensors_file(object + zeros(1) + "#!/bin/sh\nexit", "x")),
               ContainsSubstring("NUL"));
  }
  SECTION("a second object") {
    CHECK_THAT(refused(safetensors_file(object + "{}", "x")), ContainsSubstring("not valid JSON"));
  }
  SECTION("a comment") {
    CHECK_THAT(refused(safetensors_file(object + "/* */", "x")),
               ContainsSubstring("not valid JSON"));
  }
}

TEST_CASE("offsets that run backwards or beyond the file are refused") {
  SECTION("an end before its begin") {
    CHECK_THAT(refused(safetensors_file(object_json({tensor_json({"first", "U8", {8}, ""}, 0, 8),
                                                     tensor_json({"second", "U8", {4}, ""}, 8, 4)}),
                                        zeros(8))),
               ContainsSubstring("second: ends before it begins"));
  }
  SECTION("an end before its begin at the largest offsets") {
    CHECK_THAT(
        refused(safetensors_file(
            object_json({tensor_json({"t", "U8", {1}, ""}, 18446744073709551615U, 0)}), "x")),
        ContainsSubstring("t: ends before it begins"));
  }
  SECTION("an end at the largest offset") {
    CHECK_THAT(
        refused(safetensors_file(
            object_json({tensor_json({"t", "U8", {1}, ""}, 0, 18446744073709551615U)}), "x")),
        ContainsSubstring("t: ends beyond the file"));
  }
  SECTION("an empty tensor far away") {
    CHECK_THAT(refused(safetensors_file(
                   object_json({tensor_json({"t", "U8", {0}, ""}, 1U << 31, 1U << 31)}), "")),
               ContainsSubstring("t: begins at data byte 2147483648"));
  }
}

}  // namespace
}  // namespace mikv::test
