// SPDX-License-Identifier: Apache-2.0
#include "core/stage_locator.h"

#include "tests/core/labelled_run.h"
#include "tests/core/same_place.h"
#include "tests/support/cache_cases.h"
#include "tests/support/catch.h"

namespace mikv::test {
namespace {

// The first value whose place differs, as text; empty if none does.
std::string first_misplaced(const LabelledRun& run) {
  const StageLocator locator(run.plan(), run.recorder().stream(Stage::importance_set));
  const std::int64_t ratio = run.layer().shape.group_ratio();
  for (const LabelledValue& value : run.values()) {
    for (int bit = 0; bit < 8; ++bit) {
      DivergentValue found = locator.locate(value.place.stage, value.byte, bit);
      if (found.query_head >= 0) found.query_head += run.kv_head() * ratio;
      const DivergentValue expected = run.place(value, bit);
      if (same_coordinates(found, expected)) continue;
      return "bit " + std::to_string(bit) + " of byte " + std::to_string(value.byte) + ": " +
             to_text(found) + " is not " + to_text(expected);
    }
  }
  return "";
}

TEST_CASE("every bit of every stream is placed where the reference computed it") {
  const CacheCases cases;
  std::size_t values = 0;
  for (std::size_t i = 0; i < cases.all().size(); i += 11) {  // prime to the choices and traces
    const CacheCase& one = cases.all()[i];
    INFO(one.text);
    const LabelledRun run(cases.layer(one), cases.kv_head(one), cases.config(one));
    values += run.values().size();
    CHECK(first_misplaced(run) == "");
  }
  CHECK(values > 100'000);
}

TEST_CASE("layer, KV head, bits and order are the caller's") {
  const CacheCases cases;
  const CacheCase& one = cases.all().front();
  const LabelledRun run(cases.layer(one), cases.kv_head(one), cases.config(one));
  const StageLocator locator(run.plan(), run.recorder().stream(Stage::importance_set));
  const DivergentValue value = locator.locate(Stage::output, 4, 0);
  CHECK(value.layer == -1);
  CHECK(value.kv_head == -1);
  CHECK(value.query_head == 0);
  CHECK(value.order == 0);
  CHECK(value.reference_bits == 0);
  CHECK(value.device_bits == 0);
}

}  // namespace
}  // namespace mikv::test
