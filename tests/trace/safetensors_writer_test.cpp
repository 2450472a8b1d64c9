// SPDX-License-Identifier: Apache-2.0
#include "trace/safetensors_writer.h"

#include <filesystem>

#include "core/error.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"
#include "tests/trace/hand_made_trace.h"
#include "trace/safetensors_header.h"

namespace mikv::test {
namespace {

using trace::SafetensorsWriter;
using trace::TensorSpec;

TEST_CASE("a written file is this, byte by byte") {
  const TemporaryFolder folder;
  SafetensorsWriter writer(folder.file("out"), {{"b", "2"}, {"a", "1"}}, {{"t", "U8", {1, 3}}});
  writer.write(to_bytes("xyz"));
  writer.commit();
  const std::string header =
      R"({"__metadata__":{"a":"1","b":"2"},"t":{"dtype":"U8","shape":[1,3],"data_offsets":[0,3]}})";
  REQUIRE(header.size() == 88);
  CHECK(read_text(folder.file("out")) == std::string("\x58\0\0\0\0\0\0\0", 8) + header + "xyz");
}

TEST_CASE("the reader gets back what was written, in the order given") {
  const TemporaryFolder folder;
  const std::map<std::string, std::string> metadata{
      {"", ""}, {"quote \" \\", "line\nbreak \x01"}, {"é", "\xf0\x9f\x98\x80"}};
  SafetensorsWriter writer(folder.file("out"), metadata,
                           {{"z \"é\"", "F16", {2, 3}},
                            {"a", "F32", {}},
                            {"empty", "I64", {0, 5}},
                            {"m", "F4", {2, 1}}});
  writer.write(to_bytes("zzzzzzz"));
  writer.write(to_bytes(""));
  writer.write(to_bytes("zzzzzaaaam"));
  writer.commit();
  const std::string file = read_text(folder.file("out"));
  const auto header = trace::parse_safetensors_header(to_bytes(file), "out");
  CHECK(header.metadata == metadata);
  const auto bytes = [&](const trace::TensorEntry& tensor) {
    return file.substr(tensor.begin, tensor.end - tensor.begin);
  };
  REQUIRE(header.tensors.size() == 4);
  CHECK(header.tensors[0].name == "z \"é\"");
  CHECK(header.tensors[0].dtype == "F16");
  CHECK(header.tensors[0].shape == std::vector<std::uint64_t>{2, 3});
  CHECK(bytes(header.tensors[0]) == "zzzzzzzzzzzz");
  CHECK(header.tensors[1].name == "a");
  CHECK(header.tensors[1].shape.empty());
  CHECK(bytes(header.tensors[1]) == "aaaa");
  CHECK(bytes(header.tensors[2]).empty());
  CHECK(bytes(header.tensors[3]) == "m");
}

TEST_CASE("the data begins on a multiple of 8 bytes, as other readers map it") {
  const TemporaryFolder folder;
  for (std::size_t length = 0; length < 9; ++length) {
    SafetensorsWriter writer(folder.file("out"), {{"a", std::string(length, 'a')}}, {});
    writer.commit();
    const std::string file = read_text(folder.file("out"));
    CHECK(file.size() % 8 == 0);
    CHECK(trace::parse_safetensors_header(to_bytes(file), "out").data_begin == file.size());
  }
}

TEST_CASE("too few or too many bytes are a bug of the caller and leave no file") {
  const TemporaryFolder folder;
  {
    SafetensorsWriter writer(folder.file("out"), {}, {{"t", "F16", {2}}});
    writer.write(to_bytes("abc"));
    CHECK_THROWS_AS(writer.commit(), InternalError);
    CHECK_THROWS_AS(writer.write(to_bytes("de")), InternalError);
  }
  CHECK(std::filesystem::is_empty(folder.path()));
  SafetensorsWriter writer(folder.file("out"), {}, {{"t", "F16", {2}}});
  writer.write(to_bytes("abcd"));
  CHECK_THROWS_AS(writer.write(to_bytes("e")), InternalError);
  CHECK_NOTHROW(writer.commit());
}

TEST_CASE("a spec that no reader would accept is a bug of the caller and leaves no file") {
  const TemporaryFolder folder;
  const auto throws = [&](const std::vector<TensorSpec>& specs) {
    CHECK_THROWS_AS(SafetensorsWriter(folder.file("out"), {}, specs), InternalError);
    CHECK(std::filesystem::is_empty(folder.path()));
  };
  SECTION("an unknown dtype") {
    throws({{"t", "FP16", {2}}});
  }
  SECTION("a size that overflows") {
    throws({{"t", "F16", {std::uint64_t{1} << 60}}});
  }
  SECTION("half a byte") {
    throws({{"t", "F4", {3}}});
  }
  SECTION("a name twice") {
    throws({{"t", "F16", {2}}, {"t", "F16", {2}}});
  }
  SECTION("the metadata's name") {
    throws({{"__metadata__", "F16", {2}}});
  }
  SECTION("sizes that overflow together") {
    const std::uint64_t part = std::uint64_t{1} << 60;
    std::vector<TensorSpec> specs;
    for (int i = 0; i < 17; ++i) specs.push_back({std::to_string(i), "U8", {part}});
    throws(specs);
  }
}

}  // namespace
}  // namespace mikv::test
