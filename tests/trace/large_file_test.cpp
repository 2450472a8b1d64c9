// SPDX-License-Identifier: Apache-2.0
// Offsets and counts beyond 32 bits, in a sparse file: large on paper, small on disk.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/trace_builder.h"
#include "tests/trace/hand_made_trace.h"
#include "tests/trace/input_refusal.h"
#include "tests/trace/peak_memory.h"
#include "tests/trace/trace_file.h"
#include "trace/slice.h"
#include "trace/value_check.h"

namespace mikv::test {
namespace {

constexpr std::int64_t kHeads = 2049;
constexpr std::int64_t kTokens = 8192;
constexpr std::int64_t kChannels = 128;
constexpr std::int64_t kElements = kHeads * kTokens * kChannels;
static_assert(kElements > std::int64_t{1} << 31);

/// q has kElements, k and v lie beyond 4 GiB. All values are 0 until patched.
class LargeTrace {
 public:
  LargeTrace() : path_(folder_.file("large.safetensors")) {
    const auto tensor = [this](const std::string& name, std::int64_t heads) {
      const std::int64_t begin = end_;
      end_ += heads * kTokens * kChannels * 2;
      return tensor_json({name, "F16", {static_cast<std::uint64_t>(heads), kTokens, kChannels}, ""},
                         static_cast<std::uint64_t>(begin), static_cast<std::uint64_t>(end_));
    };
    const std::string metadata =
        R"("__metadata__":{"format":"mikv-trace","version":"1","model":"large","description":"",)"
        R"("num_layers":"1","num_query_heads":"2049","num_kv_heads":"1","head_dim":"128",)"
        R"("prompt_length":"8191","decode_length":"1","softmax_scale":"1",)"
        R"("layout":"heads,tokens,head_dim","rope":"applied"})";
    const std::string q = tensor("layers.0.q", kHeads);
    const std::string k = tensor("layers.0.k", 1);
    const std::string v = tensor("layers.0.v", 1);
    write_text(path_, safetensors_file(object_json({metadata, q, k, v}), ""));
    const auto header_bytes = static_cast<std::int64_t>(std::filesystem::file_size(path_));
    REQUIRE(::truncate(path_.c_str(), header_bytes + end_) == 0);
  }

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  TemporaryFolder folder_;
  std::string path_;
  std::int64_t end_ = 0;
};

TEST_CASE("the last element of a tensor of more than 2^31 elements is read at its place") {
  const LargeTrace large;
  patch_element(large.path(), {"layers.0.q", kHeads - 1, kTokens - 1, kChannels - 1}, 0x1234);
  patch_element(large.path(), {"layers.0.q", kHeads - 1, 0, 0}, 0x2345);
  patch_element(large.path(), {"layers.0.k", 0, 0, 0}, 0x3456);
  patch_element(large.path(), {"layers.0.v", 0, kTokens - 1, kChannels - 1}, 0x4567);

  struct stat status{};
  REQUIRE(::stat(large.path().c_str(), &status) == 0);
  REQUIRE(status.st_size > std::int64_t{1} << 32);
  CHECK(std::int64_t{status.st_blocks} * 512 < 1 << 20);  // sparse

  const trace::TraceReader reader(large.path());
  CHECK(reader.file_bytes() == static_cast<std::uint64_t>(status.st_size));
  const LayerView layer = reader.layer(0);
  CHECK(element_bits(layer.q, kHeads - 1, kTokens - 1, kChannels - 1) == 0x1234);
  CHECK(element_bits(layer.q, kHeads - 1, 0, 0) == 0x2345);
  CHECK(element_bits(layer.k, 0, 0, 0) == 0x3456);
  CHECK(element_bits(layer.v, 0, kTokens - 1, kChannels - 1) == 0x4567);
  // Where 32-bit arithmetic would have put or found them.
  CHECK(element_bits(layer.q, 0, kTokens - 1, kChannels - 1) == 0);
  CHECK(element_bits(layer.q, 0, 0, 0) == 0);
  CHECK(reinterpret_cast<const std::byte*>(layer.k.data) - layer.q.data == kElements * 2);
}

TEST_CASE("a NaN beyond 4 GiB is named, in bounded memory") {
  const LargeTrace large;
  const ElementPosition last{"layers.0.q", kHeads - 1, kTokens - 1, kChannels - 1};
  patch_element(large.path(), last, 0x7e00);
  const trace::TraceReader reader(large.path());
  const PeakMemory memory;
  CHECK_THAT(
      input_refusal(large.path(), [&] { static_cast<void>(trace::check_values(reader)); }),
      ContainsSubstring(": layers.0.q: is NaN or infinite at head 2048, token 8191, channel 127;"));
  if (const auto growth = memory.growth_bytes()) CHECK(*growth < std::int64_t{128} << 20);
}

TEST_CASE("a slice of a file over 4 GiB takes the right rows") {
  const LargeTrace large;
  patch_element(large.path(), {"layers.0.q", kHeads - 1, 1, 5}, 0x1234);
  patch_element(large.path(), {"layers.0.v", 0, 1, 5}, 0x4567);
  const TemporaryFolder folder;
  const std::string path = folder.file("small.safetensors");
  trace::SliceSpec spec;
  spec.prompt_length = spec.decode_length = 1;
  trace::slice(trace::TraceReader(large.path()), spec, path);
  const trace::TraceReader reader(path);
  const LayerView layer = reader.layer(0);
  CHECK(element_bits(layer.q, kHeads - 1, 1, 5) == 0x1234);
  CHECK(element_bits(layer.v, 0, 1, 5) == 0x4567);
}

}  // namespace
}  // namespace mikv::test
