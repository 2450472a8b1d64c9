// SPDX-License-Identifier: Apache-2.0
#include "trace/trace_format.h"

#include <cmath>

#include "tests/support/catch.h"
#include "tests/support/trace_builder.h"
#include "tests/trace/input_refusal.h"

namespace mikv::test {
namespace {

const std::string kName = "some.safetensors";

trace::Metadata valid() {
  TraceSpec spec;
  spec.layers = 3;
  return metadata(spec);
}

trace::Metadata with(const std::string& field, const std::string& value) {
  trace::Metadata metadata = valid();
  metadata[field] = value;
  return metadata;
}

trace::TraceHeader parsed(const trace::Metadata& metadata) {
  return trace::parse_trace_header(metadata, kName);
}

std::string refused(const trace::Metadata& metadata) {
  return input_refusal(kName, [&] { static_cast<void>(parsed(metadata)); });
}

TEST_CASE("the metadata of a valid trace is read field by field") {
  const trace::TraceHeader header = parsed({{"format", "mikv-trace"},
                                            {"version", "1"},
                                            {"model", "the model"},
                                            {"description", "the description"},
                                            {"num_layers", "3"},
                                            {"num_query_heads", "12"},
                                            {"num_kv_heads", "4"},
                                            {"head_dim", "24"},
                                            {"prompt_length", "100"},
                                            {"decode_length", "7"},
                                            {"softmax_scale", "0.25"},
                                            {"layout", "heads,tokens,head_dim"},
                                            {"rope", "applied"}});
  CHECK(header.model == "the model");
  CHECK(header.description == "the description");
  CHECK(header.num_layers == 3);
  CHECK(header.shape == AttentionShape{12, 4, 24});
  CHECK(header.shape.group_ratio() == 3);
  CHECK(header.prompt_length == 100);
  CHECK(header.decode_length == 7);
  CHECK(header.tokens() == 107);
  CHECK(header.softmax_scale == 0.25);
  CHECK(header.producer.empty());
  CHECK(header.model_revision.empty());
  CHECK(header.sliding_window.empty());
  CHECK(header.softcap == 0);
  CHECK_FALSE(header.sinks);
}

TEST_CASE("a required field that is missing is named") {
  CHECK_THAT(refused({}), ContainsSubstring("__metadata__.format: is missing"));
  for (const std::string field : {"format", "version", "model", "description", "num_layers",
                                  "num_query_heads", "num_kv_heads", "head_dim", "prompt_length",
                                  "decode_length", "softmax_scale", "layout", "rope"}) {
    trace::Metadata metadata = valid();
    REQUIRE(metadata.erase(field) == 1);
    CHECK_THAT(refused(metadata), ContainsSubstring(": __metadata__." + field + ": is missing"));
  }
}

TEST_CASE("a field with one legal value has no other: a later version must not be misread") {
  for (const auto& [field, value] : std::map<std::string, std::vector<std::string>>{
           {"format", {"", "mikv-trace2", "MIKV-TRACE", "pt"}},
           {"version", {"", "0", "2", "1.0", "01", " 1"}},
           {"layout", {"", "tokens,heads,head_dim", "heads, tokens, head_dim"}},
           {"rope", {"", "none", "Applied", "true"}}}) {
    for (const std::string& wrong : value) {
      CHECK_THAT(refused(with(field, wrong)),
                 ContainsSubstring("__metadata__." + field + ": is '" + wrong + "', not '"));
    }
  }
}

TEST_CASE("a number that is not a plain integer is refused, not rounded or cut") {
  const std::string field = GENERATE(as<std::string>{}, "num_layers", "num_query_heads",
                                     "num_kv_heads", "head_dim", "prompt_length", "decode_length");
  for (const std::string value : {"", " ", " 8", "8 ", "+8", "-8", "08", "00", "-0", "8.0", "8e0",
                                  "0x8", "8,0", "eight", "8\n", "9223372036854775808",
                                  "18446744073709551624", "99999999999999999999999", "\xd9\xa8"}) {
    CHECK_THAT(refused(with(field, value)), ContainsSubstring("__metadata__." + field + ": is '") &&
                                                ContainsSubstring("not an integer from"));
  }
  CHECK_THAT(refused(with(field, std::string("8\0", 2))),
             ContainsSubstring("__metadata__." + field + R"(: is '8\x00')"));
}

TEST_CASE("sizes are bounded, so that products of them stay in 64 bits") {
  CHECK_THAT(refused(with("num_layers", "0")), ContainsSubstring("__metadata__.num_layers: "));
  CHECK_THAT(refused(with("num_layers", "65537")), ContainsSubstring("__metadata__.num_layers: "));
  CHECK(parsed(with("num_layers", "65536")).num_layers == 65536);
  CHECK_THAT(refused(with("num_query_heads", "0")), ContainsSubstring("num_query_heads: "));
  CHECK_THAT(refused(with("num_query_heads", "65538")), ContainsSubstring("num_query_heads: "));
  CHECK(parsed(with("num_query_heads", "65536")).shape.query_heads == 65536);
  CHECK_THAT(refused(with("num_kv_heads", "0")), ContainsSubstring("num_kv_heads: "));
  CHECK_THAT(refused(with("head_dim", "0")), ContainsSubstring("head_dim: "));
  CHECK_THAT(refused(with("head_dim", "65544")), ContainsSubstring("head_dim: "));
  CHECK(parsed(with("head_dim", "65536")).shape.head_dim == 65536);
  CHECK_THAT(refused(with("prompt_length", "0")), ContainsSubstring("prompt_length: "));
  CHECK(parsed(with("prompt_length", "1")).prompt_length == 1);
  CHECK_THAT(refused(with("prompt_length", "4294967296")), ContainsSubstring("prompt_length: "));
  CHECK(parsed(with("decode_length", "0")).tokens() == 8);

  trace::Metadata metadata = with("prompt_length", "4294967290");
  metadata["decode_length"] = "5";
  CHECK(parsed(metadata).tokens() == 4294967295);
  metadata["decode_length"] = "6";
  CHECK_THAT(refused(metadata), ContainsSubstring("__metadata__.decode_length: is '6'"));
}

TEST_CASE("query heads that do not share KV heads evenly are refused") {
  for (const std::string heads : {"3", "8", "5"}) {
    CHECK_THAT(refused(with("num_kv_heads", heads)),
               ContainsSubstring("__metadata__.num_kv_heads: is " + heads +
                                 ", which does not divide num_query_heads 4"));
  }
  CHECK(parsed(with("num_kv_heads", "4")).shape.group_ratio() == 1);
  CHECK(parsed(with("num_kv_heads", "1")).shape.group_ratio() == 4);
}

TEST_CASE("a head dimension that no page layout holds is refused") {
  for (const std::string channels : {"9", "12", "100"}) {
    CHECK_THAT(
        refused(with("head_dim", channels)),
        ContainsSubstring("__metadata__.head_dim: is " + channels + ", not a multiple of 8"));
  }
  CHECK(parsed(with("head_dim", "8")).shape.head_dim == 8);
}

TEST_CASE("the softmax scale is a positive finite decimal") {
  for (const std::string value : {"", "nan", "-nan", "inf", "infinity", "1e400", "1e-400", "0x1p-3",
                                  " 0.1", "0.1 ", "+0.1", "0,1", "0.1f", "1/8"}) {
    CHECK_THAT(refused(with("softmax_scale", value)),
               ContainsSubstring("__metadata__.softmax_scale: is '" + value +
                                 "', not a finite decimal number"));
  }
  for (const std::string value : {"0", "-0", "-0.125", "0.0"}) {
    CHECK_THAT(refused(with("softmax_scale", value)),
               ContainsSubstring("__metadata__.softmax_scale: is not above 0"));
  }
}

TEST_CASE("the softmax scale keeps every bit of the double that was recorded") {
  CHECK(parsed(with("softmax_scale", "0.088388347648318433")).softmax_scale ==
        1 / std::sqrt(128.0));
  CHECK(parsed(with("softmax_scale", "0.1")).softmax_scale == 0.1);
  CHECK(parsed(with("softmax_scale", "1.25e-1")).softmax_scale == 0.125);
  CHECK(parsed(with("softmax_scale", "4.9406564584124654e-324")).softmax_scale == 0x1p-1074);
}

TEST_CASE("a hostile value is cut and escaped in the refusal") {
  const std::string line = refused(with("num_layers", std::string(100'000, 'x')));
  CHECK_THAT(line, ContainsSubstring("'" + std::string(64, 'x') + "'"));
  CHECK_THAT(refused(with("rope", "\x1b[2J\r\n\xc2\x9b")),
             ContainsSubstring(R"(is '\x1b[2J\x0d\x0a\xc2\x9b', not 'applied')"));
}

TEST_CASE("optional fields are read where they are there") {
  trace::Metadata metadata = valid();
  metadata.insert({{"producer", "a tool"},
                   {"model_revision", "abc"},
                   {"sliding_window", "128,0,4294967295"},
                   {"softcap", "50.0"},
                   {"sinks", "1"},
                   {"something_else", "ignored"}});
  const trace::TraceHeader header = parsed(metadata);
  CHECK(header.producer == "a tool");
  CHECK(header.model_revision == "abc");
  CHECK(header.sliding_window == std::vector<std::int64_t>{128, 0, 4294967295});
  CHECK(header.softcap == 50);
  CHECK(header.sinks);
  CHECK_FALSE(parsed(with("sinks", "0")).sinks);
  CHECK(parsed(with("softcap", "0")).softcap == 0);
}

TEST_CASE("an optional field that is malformed is refused, not ignored") {
  SECTION("a window for too few or too many layers") {
    CHECK_THAT(refused(with("sliding_window", "128,0")),
               ContainsSubstring("__metadata__.sliding_window: has 2 entries for 3 layers"));
    CHECK_THAT(refused(with("sliding_window", "128,0,0,0")),
               ContainsSubstring("__metadata__.sliding_window: has 4 entries for 3 layers"));
  }
  SECTION("a window that is no number") {
    for (const std::string value : {"", "1,2,", ",1,2", "1,,2", "1, 2,3", "1,-2,3", "1,2.0,3",
                                    "1;2;3", "1,2,4294967296", "none,0,0"}) {
      INFO(value);
      CHECK_THAT(refused(with("sliding_window", value)),
                 ContainsSubstring("__metadata__.sliding_window: is '"));
    }
  }
  SECTION("a soft cap that is no number of at least 0") {
    CHECK_THAT(refused(with("softcap", "-30")),
               ContainsSubstring("__metadata__.softcap: is negative"));
    for (const std::string value : {"", "nan", "inf", "30 ", "None"}) {
      CHECK_THAT(refused(with("softcap", value)),
                 ContainsSubstring("__metadata__.softcap: is '" + value + "', not a finite"));
    }
  }
  SECTION("sinks that are neither there nor not") {
    for (const std::string value : {"", "2", "true", "01"}) {
      CHECK_THAT(refused(with("sinks", value)),
                 ContainsSubstring("__metadata__.sinks: is neither '0' nor '1'"));
    }
  }
}

TEST_CASE("what replay has no arithmetic for is named, layer by layer") {
  trace::Metadata metadata = valid();  // 3 layers, 12 tokens
  SECTION("a plain layer needs nothing") {
    for (const int layer : {0, 1, 2}) CHECK_FALSE(unsupported_feature(parsed(metadata), layer));
  }
  SECTION("a window matters only to its own layer, and only if it is shorter than the trace") {
    metadata["sliding_window"] = "11,12,0";
    const trace::TraceHeader header = parsed(metadata);
    REQUIRE(header.tokens() == 12);
    CHECK(unsupported_feature(header, 0) == "a sliding window of 11 tokens");
    CHECK_FALSE(unsupported_feature(header, 1));
    CHECK_FALSE(unsupported_feature(header, 2));
  }
  SECTION("a soft cap") {
    metadata["softcap"] = "30";
    CHECK_THAT(unsupported_feature(parsed(metadata), 2).value(), ContainsSubstring("softcap"));
  }
  SECTION("sinks") {
    metadata["sinks"] = "1";
    CHECK_THAT(unsupported_feature(parsed(metadata), 2).value(), ContainsSubstring("sinks"));
  }
}

}  // namespace
}  // namespace mikv::test
