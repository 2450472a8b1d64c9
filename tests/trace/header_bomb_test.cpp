// SPDX-License-Identifier: Apache-2.0
// Headers whose size is all they have: refused in bounded time and memory.
#include <chrono>

#include "tests/support/catch.h"
#include "tests/support/trace_builder.h"
#include "tests/trace/hand_made_trace.h"
#include "tests/trace/input_refusal.h"
#include "tests/trace/peak_memory.h"
#include "trace/safetensors_header.h"

#if defined(__SANITIZE_ADDRESS__)
#define MIKV_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MIKV_SANITIZED
#endif
#endif

namespace mikv::test {
namespace {

const std::string kName = "bomb.safetensors";
// A sanitizer keeps freed memory for a while.
#ifdef MIKV_SANITIZED
constexpr std::int64_t kMemoryFactor = 4;
#else
constexpr std::int64_t kMemoryFactor = 1;
#endif

/// The refusal, which must need no more than max_bytes beyond the file itself.
std::string refused(const std::string& header, std::int64_t max_bytes) {
  const std::vector<std::byte> file = to_bytes(safetensors_file(header, ""));
  const auto start = std::chrono::steady_clock::now();
  const PeakMemory memory;
  const std::string line = input_refusal(
      kName, [&] { static_cast<void>(trace::parse_safetensors_header(file, kName)); });
  if (const auto growth = memory.growth_bytes()) CHECK(*growth < kMemoryFactor * max_bytes);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
  return line;
}

constexpr std::int64_t kMiB = 1 << 20;

/// prefix, then piece again and again up to a size.
std::string repeated(std::string prefix, const std::string& piece, std::size_t size) {
  prefix.reserve(size + piece.size());
  while (prefix.size() < size) prefix += piece;
  return prefix;
}

TEST_CASE("a header that claims a million tensors over the same bytes is refused early") {
  std::string header = "{";
  header.reserve(std::size_t{51} << 20);
  for (int i = 0; header.size() < std::size_t{50} << 20; ++i) {
    header += tensor_json({std::to_string(i), "F4", {0}, ""}, 0, 0) + ",";
  }
  header.back() = '}';
  CHECK_THAT(refused(header, 48 * kMiB), ContainsSubstring("65536: is one tensor too many"));
}

TEST_CASE("65536 tensors are still read") {
  std::string header = "{";
  for (int i = 0; i < 65'536; ++i) {
    header += tensor_json({std::to_string(i), "U8", {0}, ""}, 0, 0) + ",";
  }
  header.back() = '}';
  const std::vector<std::byte> file = to_bytes(safetensors_file(header, ""));
  CHECK(trace::parse_safetensors_header(file, kName).tensors.size() == 65'536);
}

TEST_CASE("a million metadata entries are refused early") {
  std::string header = R"({"__metadata__":{)";
  for (int i = 0; header.size() < std::size_t{16} << 20; ++i) {
    header.append("\"").append(std::to_string(i)).append("\":\"\",");
  }
  CHECK_THAT(refused(header, 8 * kMiB), ContainsSubstring("__metadata__: has more than 1024"));
}

TEST_CASE("a shape of millions of dimensions is refused early") {
  CHECK_THAT(refused(repeated(R"({"t":{"shape":[1)", ",1", std::size_t{16} << 20), 8 * kMiB),
             ContainsSubstring("t: has more than 8 dimensions"));
}

TEST_CASE("millions of offsets are refused early") {
  CHECK_THAT(refused(repeated(R"({"t":{"data_offsets":[1)", ",1", std::size_t{16} << 20), 8 * kMiB),
             ContainsSubstring("t: data_offsets has more than two numbers"));
}

TEST_CASE("nesting of millions of levels is refused early") {
  CHECK_THAT(refused(repeated(R"({"t":)", "[", std::size_t{16} << 20), 8 * kMiB),
             ContainsSubstring("t: holds an array"));
  CHECK_THAT(refused(repeated("", R"({"a":)", std::size_t{16} << 20), 8 * kMiB),
             ContainsSubstring("a: "));
}

TEST_CASE("one enormous string or number costs a small multiple of its size") {
  constexpr std::size_t kSize = std::size_t{16} << 20;
  constexpr std::int64_t kLimit = 12 * 16 * kMiB;
  SECTION("a name") {
    CHECK_THAT(refused(repeated("{\"", "n", kSize) + R"(":{}})", kLimit),
               ContainsSubstring("is a name of more than 256 bytes"));
  }
  SECTION("a metadata value") {
    CHECK_THAT(refused(repeated(R"({"__metadata__":{"a":")", "v", kSize) + R"("}})", kLimit),
               ContainsSubstring("__metadata__: is larger than 1 MiB"));
  }
  SECTION("a string without an end") {
    CHECK_THAT(refused(repeated(R"({"t":{"dtype":")", "F", kSize), kLimit),
               ContainsSubstring("t: the header is not valid JSON"));
  }
  SECTION("a number") {
    CHECK_THAT(refused(repeated(R"({"t":{"shape":[)", "9", kSize) + "]}}", kLimit),
               ContainsSubstring("t: "));
  }
  SECTION("nothing but white space") {
    CHECK_THAT(refused(std::string(kSize, ' '), kMiB),
               ContainsSubstring("does not begin with '{'"));
  }
}

}  // namespace
}  // namespace mikv::test
