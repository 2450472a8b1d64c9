// SPDX-License-Identifier: Apache-2.0
// Several settings of a trace at once.
#include "tests/support/catch.h"
#include "tests/support/recorded_trace.h"
#include "tools/replay/replay.h"
#include "tools/report/replay_json.h"

namespace mikv::test {
namespace {

std::vector<CacheConfig> settings() {
  std::vector<CacheConfig> list(5);
  list[1].formats.retained = StorageFormat::none;
  list[2].formats.retained = StorageFormat::int4;
  list[2].balancer = false;
  list[3].policy = Policy::snapkv;
  list[3].importance_ratio = 0.5;
  list[4].policy = Policy::oracle;
  list[4].formats.importance = StorageFormat::int8;
  return list;
}

TEST_CASE("settings replayed together give what each gives alone") {
  TraceSpec spec;
  spec.prompt_length = 90;
  spec.decode_length = 40;
  const RecordedTrace trace(spec);
  const std::vector<CacheConfig> list = settings();
  tools::ReplayOptions options;
  options.hashes = true;
  options.threads = GENERATE(1, 3);
  const std::vector<tools::ReplayResult> together = replay(trace.reader(), list, options);
  REQUIRE(together.size() == list.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    INFO("setting " << i);
    const auto alone = replay(trace.reader(), {&list[i], 1}, options);
    CHECK(tools::replay_json(trace.reader(), list[i], together[i]) ==
          tools::replay_json(trace.reader(), list[i], alone.front()));
  }
  CHECK(together[0].hashes != together[2].hashes);
}

}  // namespace
}  // namespace mikv::test
