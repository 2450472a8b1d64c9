// SPDX-License-Identifier: Apache-2.0
#include "trace/value_check.h"

#include <vector>

#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/trace_builder.h"
#include "tests/trace/hand_made_trace.h"
#include "tests/trace/input_refusal.h"
#include "tests/trace/trace_file.h"

namespace mikv::test {
namespace {

std::string checked(const std::string& path) {
  return trace::check_values(trace::TraceReader(path));
}

std::string refused(const std::string& path) {
  return input_refusal(path, [&] { static_cast<void>(checked(path)); });
}

std::string place(const ElementPosition& position) {
  return ": " + position.tensor + ": is NaN or infinite at head " + std::to_string(position.head) +
         ", token " + std::to_string(position.token) + ", channel " +
         std::to_string(position.channel) + ";";
}

/// Bit patterns of a type that are not finite, and some that only look like it.
struct Patterns {
  ElementType type;
  std::vector<std::uint32_t> not_finite;
  std::vector<std::uint32_t> finite;
};

const std::vector<Patterns> kPatterns{
    {ElementType::f16,
     {0x7e00, 0x7c01, 0xfe00, 0xffff, 0x7c00, 0xfc00},
     {0x7bff, 0xfbff, 0x03ff, 0x8001, 0x8000, 0x7800, 0x3fff}},
    {ElementType::bf16,
     {0x7fc0, 0x7f81, 0xffc0, 0xffff, 0x7f80, 0xff80},
     {0x7f7f, 0xff7f, 0x007f, 0x8001, 0x8000, 0x7c00, 0x7e00}},
    {ElementType::f32,
     {0x7fc00000, 0x7f800001, 0xffc00000, 0xffffffff, 0x7f800000, 0xff800000},
     {0x7f7fffff, 0xff7fffff, 0x007fffff, 0x80000001, 0x80000000, 0x7f000000, 0x00007fff}},
};

TEST_CASE("NaN and infinities of every kind are found and named") {
  const TemporaryFolder folder;
  const std::string path = folder.file("trace.safetensors");
  for (const Patterns& patterns : kPatterns) {
    INFO(element_name(patterns.type));
    TraceSpec spec;
    spec.element = patterns.type;
    write_trace(spec, path);
    CHECK_NOTHROW(checked(path));
    const ElementPosition position{"layers.1.k", 1, 7, 3};
    for (const std::uint32_t bits : patterns.finite) {
      INFO(bits);
      patch_element(path, position, bits);
      CHECK_NOTHROW(checked(path));
    }
    for (const std::uint32_t bits : patterns.not_finite) {
      INFO(bits);
      patch_element(path, position, bits);
      CHECK_THAT(refused(path), ContainsSubstring(place(position)));
    }
  }
}

TEST_CASE("a NaN is found wherever it lies: first and last element of every tensor") {
  const TemporaryFolder folder;
  const std::string path = folder.file("trace.safetensors");
  TraceSpec spec;
  spec.element = ElementType::bf16;
  spec.output = true;
  for (const std::string part : {"q", "k", "v", "o"}) {
    const std::int64_t heads = part == "q" || part == "o" ? spec.query_heads : spec.kv_heads;
    for (const std::string layer : {"layers.0.", "layers.1."}) {
      for (const ElementPosition& position :
           {ElementPosition{layer + part, 0, 0, 0},
            ElementPosition{layer + part, heads - 1, spec.tokens() - 1, spec.head_dim - 1},
            ElementPosition{layer + part, heads - 1, 0, 1},
            ElementPosition{layer + part, 0, spec.tokens() - 1, 0}}) {
        write_trace(spec, path);
        patch_element(path, position, 0x7fc0);
        CHECK_THAT(refused(path), ContainsSubstring(place(position)));
      }
    }
  }
}

TEST_CASE("of several NaN the first in the file is named") {
  const TemporaryFolder folder;
  const std::string path = folder.file("trace.safetensors");
  write_trace({}, path);
  patch_element(path, {"layers.1.q", 0, 0, 0}, 0x7e00);
  patch_element(path, {"layers.0.v", 1, 2, 9}, 0x7c00);
  patch_element(path, {"layers.0.v", 1, 2, 8}, 0xfc00);
  CHECK_THAT(refused(path), ContainsSubstring(place({"layers.0.v", 1, 2, 8})));
}

TEST_CASE("a NaN beyond the first 16 MiB of a tensor is named, at the window's edges too") {
  constexpr std::int64_t kWindow = std::int64_t{16} << 20;
  const TemporaryFolder folder;
  const std::string path = folder.file("trace.safetensors");
  for (const ElementType type : {ElementType::f16, ElementType::f32}) {
    const std::uint64_t size = type == ElementType::f16 ? 2 : 4;
    HandMadeTrace hand_made;
    constexpr std::uint64_t kHeads = 72;
    constexpr std::uint64_t kTokens = 1000;
    constexpr std::uint64_t kChannels = 128;
    hand_made.metadata["num_query_heads"] = std::to_string(kHeads);
    hand_made.metadata["head_dim"] = std::to_string(kChannels);
    hand_made.metadata["prompt_length"] = std::to_string(kTokens - 1);
    for (HandMadeTensor& tensor : hand_made.tensors) {
      const std::uint64_t heads = tensor.name == "layers.0.q" ? kHeads : 1;
      tensor.dtype = type == ElementType::f16 ? "F16" : "F32";
      tensor.shape = {heads, kTokens, kChannels};
      tensor.data.assign(heads * kTokens * kChannels * size, '\0');
    }
    REQUIRE(hand_made.tensors[0].data.size() > kWindow);
    const std::string valid = hand_made.file();
    const std::int64_t edge = kWindow / static_cast<std::int64_t>(size);
    const std::int64_t last = static_cast<std::int64_t>(kHeads * kTokens * kChannels) - 1;
    for (const std::int64_t index : {edge - 1, edge, edge + 12345, last}) {
      const auto row = index / static_cast<std::int64_t>(kChannels);
      const ElementPosition position{"layers.0.q", row / static_cast<std::int64_t>(kTokens),
                                     row % static_cast<std::int64_t>(kTokens),
                                     index % static_cast<std::int64_t>(kChannels)};
      write_text(path, valid);
      patch_element(path, position, type == ElementType::f16 ? 0x7c00 : 0xff800000);
      CHECK_THAT(refused(path), ContainsSubstring(place(position)));
    }
  }
}

TEST_CASE("tensors that no replay reads may hold any bits") {
  const TemporaryFolder folder;
  const std::string path = folder.file("trace.safetensors");
  HandMadeTrace hand_made;
  hand_made.tensors.insert(hand_made.tensors.begin(), {"ids", "I32", {1}, "\xff\xff\xff\xff"});
  hand_made.tensors.push_back({"weights", "F16", {1}, {'\x00', '\x7c'}});
  write_text(path, hand_made.file());
  CHECK_NOTHROW(checked(path));
}

TEST_CASE("the checksum is the one that xxh128sum prints") {
  const TemporaryFolder folder;
  const std::string path = folder.file("trace.safetensors");
  SECTION("of a small file") {
    write_text(path, HandMadeTrace().file());
    CHECK(checked(path) == "xxh128:9f2a77da896b69c5ce7d525c579ae357");
  }
  SECTION("of a file with tensors that are not used, at odd offsets") {
    HandMadeTrace hand_made;
    hand_made.tensors.insert(hand_made.tensors.begin(), {"odd", "U8", {1}, "x"});
    hand_made.tensors.push_back({"empty", "U8", {0}, ""});
    hand_made.tensors.push_back({"last", "U8", {3}, "xyz"});
    write_text(path, hand_made.file());
    CHECK(checked(path) == "xxh128:e49341c53580c19cf904db1f0d7da1e4");
  }
  SECTION("of a file of several windows") {
    HandMadeTrace hand_made;
    std::string data((std::size_t{33} << 20) + 1, '\0');
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i % 251);
    hand_made.tensors.push_back({"large", "U8", {data.size()}, data});
    write_text(path, hand_made.file());
    CHECK(checked(path) == "xxh128:fa5586710831765cea33e8c3a5d74413");
  }
}

TEST_CASE("the checksum covers every byte of the file") {
  const TemporaryFolder folder;
  const std::string path = folder.file("trace.safetensors");
  HandMadeTrace hand_made;
  hand_made.tensors.push_back({"unused", "U8", {2}, "ab"});
  const std::string valid = hand_made.file();
  write_text(path, valid);
  const std::string sum = checked(path);
  const std::size_t description = valid.find("random numbers");
  REQUIRE(description != std::string::npos);
  for (const std::size_t changed : {description, valid.size() - 1, valid.size() - 3}) {
    std::string file = valid;
    file[changed] = static_cast<char>(file[changed] ^ 1);
    write_text(path, file);
    CHECK(checked(path) != sum);
  }
}

}  // namespace
}  // namespace mikv::test
