// SPDX-License-Identifier: Apache-2.0
// Cases whose values are those of a trace.
#include "tools/kernel_test/case_trace.h"

#include <cstring>
#include <memory>
#include <set>

#include "core/error.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/trace_builder.h"
#include "tools/kernel_test/kernel_case.h"
#include "tools/kernel_test/recorded_sequence.h"
#include "trace/trace_reader.h"

namespace mikv::test {
namespace {

using namespace kernel_test;

class Trace : public TemporaryFolder {
 public:
  Trace() {
    TraceSpec spec;
    spec.layers = 3;
    spec.prompt_length = 30;
    spec.decode_length = 10;
    spec.element = ElementType::bf16;
    write_trace(spec, path);
  }
  [[nodiscard]] std::string name(const std::string& operation, const std::string& rest) const {
    return operation + ":trace=" + path + rest;
  }
  std::string path = file("trace.safetensors");
};

TEST_CASE("a case of a trace has the trace's shape, and a name that reads back to it") {
  const Trace trace;
  const CaseSpec all = parse_case(trace.name("decode", ""));
  CHECK(all.shape == AttentionShape{4, 2, 16});
  CHECK(all.element == ElementType::bf16);
  CHECK(all.importance_format == StorageFormat::bf16);
  CHECK(all.tokens == 40);
  CHECK(all.layer == 0);
  const std::string text = trace.name("decode", ":layer=2:s=33:r=0.5:int4:b=2");
  CHECK(to_string(parse_case(text)) == text);
  std::set<Operation> operations;
  for (const CaseSpec& spec : trace_cases(trace.path)) {
    INFO(to_string(spec));
    CHECK(parse_case(to_string(spec)) == spec);
    operations.insert(spec.operation);
  }
  CHECK(operations.size() == 5);
}

TEST_CASE("the values of a case of a trace are the recorded ones") {
  const Trace trace;
  const CaseSpec spec = parse_case(trace.name("decode", ":layer=1:s=33:b=2"));
  const trace::TraceReader reader(trace.path);
  const LayerView recorded = reader.layer(1);
  for (const std::int64_t sequence : {0, 1}) {
    const RecordedSequence values(spec, sequence);
    const std::int64_t first = 33 - values.tokens();
    CHECK(first == 12 * sequence);
    CHECK(values.layer().softmax_scale == recorded.softmax_scale);
    const auto same = [&](const TensorView& a, const TensorView& b) {
      const auto bytes = static_cast<std::size_t>(a.row_bytes());
      return std::memcmp(a.row(1, 5), b.row(1, first + 5), bytes) == 0;
    };
    CHECK(same(values.layer().q, recorded.q));
    CHECK(same(values.layer().k, recorded.k));
    CHECK(same(values.layer().v, recorded.v));
  }
}

TEST_CASE("the reference's results pass a trace's cases, untouched outputs do not") {
  const Trace trace;
  for (const CaseSpec& spec : trace_cases(trace.path)) {
    CAPTURE(to_string(spec));
    const std::unique_ptr<KernelCase> one = make_case(spec);
    CHECK(one->judge(parse_rule("bounded")).status == Status::failed);
    one->fill_expected();
    CHECK(one->judge(parse_rule("bitwise")).status == Status::passed);
  }
}

TEST_CASE("what a trace does not hold is refused, naming its limits") {
  const Trace trace;
  const auto [rest, message] = GENERATE(table<std::string, std::string>(
      {{":layer=3", "asks for layer 3, which is not recorded; recorded are 0, 1, 2"},
       {":s=41", "asks for 41 tokens; give s= from 2 to 40, the tokens of the trace"},
       {":s=1", "asks for 1 tokens; give s= from 2 to 40"},
       {":layer=x", "'layer=x' of a case's name: is no layer"},
       {":seed=2", "'seed=2' of a case's name: is not for a case of a trace"},
       {":data=ties", "'data=ties' of a case's name: is not for a case of a trace"},
       {":e=fp16", "'e=fp16' of a case's name: is not for a case of a trace"},
       {":what=1", "use layer, s, b, g, r or hi"}}));
  CHECK_THROWS_WITH(parse_case(trace.name("decode", rest)), ContainsSubstring(message));
  CHECK_THROWS_AS(parse_case(trace.name("decode", rest)), UsageError);
}

TEST_CASE("a trace that cannot be named, or is none, is refused") {
  const TemporaryFolder folder;
  write_text(folder.file("text"), "no trace");
  CHECK_THROWS_AS(parse_case("decode:trace=" + folder.file("text")), InputError);
  CHECK_THROWS_AS(parse_case("decode:trace=" + folder.file("none")), InputError);
  CHECK_THROWS_AS(parse_case("decode:trace="), UsageError);
  CHECK_THROWS_AS(trace_cases("a:b"), UsageError);
  CHECK_THROWS_AS(parse_case("decode:q4k2d64:layer=0"), UsageError);
}

}  // namespace
}  // namespace mikv::test
