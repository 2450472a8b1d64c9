// SPDX-License-Identifier: Apache-2.0
#include "core/layer_plan.h"

#include <string>

#include "tests/core/refusal.h"
#include "tests/support/catch.h"

namespace mikv::test {
namespace {

using enum StorageFormat;

TEST_CASE("a plan's layers, open ends and formats are read as written") {
  const LayerPlan expected = {
      {.layers = {0, 3}, .settings = {.formats = TierFormats{int8, int4}}},
      {.layers = {4, 4}, .settings = {.formats = TierFormats{std::nullopt, none}}},
      {.layers = {5, std::nullopt}, .settings = {.formats = TierFormats{fp16, int3}}},
  };
  CHECK(parse_layer_plan("0-3:int8/int4,4:native/none,5-:fp16/int3") == expected);
}

TEST_CASE("a plan survives being printed and read again") {
  for (const std::string text : {
           "0:int8/int4",
           "0-:native/int2",
           "7-9:bf16/int3",
           "0-3:int8/int4,4-:native/int2",
           "5-:fp32/none,0-1:int4/int8,2:native/int2",
           "0-9223372036854775807:int8/int8",
           "0-3:int8,4:fp16,5:native,6:int2,7-:mikv",
           "0:native/int2@r=0.35@g=32@balancer=off",
           "0:int8/int4@r=0,1:int8/int4@balancer=on",
       }) {
    INFO(text);
    const LayerPlan plan = parse_layer_plan(text);
    CHECK(to_string(plan) == text);
    CHECK(parse_layer_plan(to_string(plan)) == plan);
  }
}

TEST_CASE("one format for all tokens is a ratio of 0 or 1 without balancer") {
  const LayerSettings packed{
      .formats = TierFormats{std::nullopt, int3}, .importance_ratio = 0, .balancer = false};
  CHECK(parse_layer_format("int3", "") == packed);
  const LayerSettings exact = parse_layer_format("bf16", "");
  CHECK(exact.formats->importance == bf16);
  CHECK(exact.importance_ratio == 1);
  CHECK(exact.balancer == false);
  CHECK(parse_layer_format("mikv", "") == LayerSettings{});
}

TEST_CASE("settings behind a pair of formats are read as written") {
  const LayerSettings settings = parse_layer_format("int8/int4@g=32@r=0.25@balancer=on", "");
  CHECK(settings.formats == TierFormats{int8, int4});
  CHECK(settings.importance_ratio == 0.25);
  CHECK(settings.group_size == 32);
  CHECK(settings.balancer == true);
  for (const char* wrong : {"@", "@r", "@r=", "@r=2", "@r=-0.1", "@r=nan", "@g=x", "@balancer=1",
                            "@r=0.1@r=0.2", "@policy=h2o", "@r=0.1x"}) {
    INFO(wrong);
    CHECK(refusal([&] { (void)parse_layer_format("int8/int4" + std::string(wrong), "E"); }));
  }
}

TEST_CASE("a range of one layer is that layer") {
  CHECK(parse_layer_plan("3-3:int8/int4") == parse_layer_plan("3:int8/int4"));
  CHECK(to_string(parse_layer_plan("3-3:int8/int4")) == "3:int8/int4");
}

TEST_CASE("every format of a tier is accepted there and no other is") {
  for (const StorageFormat format : storage_formats()) {
    const std::string text(name(format));
    INFO(text);
    const auto importance = [&] { (void)parse_importance_format(text); };
    const auto retained = [&] { (void)parse_retained_format(text); };
    CHECK(refusal(importance).has_value() == !info(format).importance_tier);
    CHECK(refusal(retained).has_value() == !info(format).retained_tier);
    if (info(format).importance_tier) CHECK(parse_importance_format(text) == format);
    if (info(format).retained_tier) CHECK(parse_retained_format(text) == format);
    CHECK(importance_format_name(format) == text);
  }
  CHECK(parse_importance_format("native") == std::nullopt);
  CHECK(importance_format_name(std::nullopt) == "native");
}

std::string names_of(bool StorageFormatInfo::* tier) {
  std::string names;
  for (const StorageFormat format : storage_formats()) {
    if (info(format).*tier) names += (names.empty() ? "" : ", ") + std::string(name(format));
  }
  return names;
}

TEST_CASE("a refused format names its option and what could be written") {
  CHECK(refusal([] { (void)parse_importance_format("int3"); }) ==
        "--importance-format: 'int3' is no format of the importance tier; use native, " +
            names_of(&StorageFormatInfo::importance_tier));
  CHECK(refusal([] { (void)parse_retained_format("native"); }) ==
        "--retained-format: 'native' is no format of the retained tier; use " +
            names_of(&StorageFormatInfo::retained_tier));
}

TEST_CASE("an entry that covers no layer of the model is refused") {
  const auto refused = [](const std::string& text, std::int64_t num_layers) {
    return refusal([&] { require_layers(parse_layer_plan(text), num_layers); });
  };
  CHECK_FALSE(refused("0-3:int8/int4,4-:native/int2", 5).has_value());
  CHECK_FALSE(refused("4-9:int8/int4", 5).has_value());
  CHECK(refused("0:int8/int4,5-9:native/int2", 5) ==
        "--plan: entry '5-9:native/int2' covers no layer of the model; its layers are 0 to 4");
}

TEST_CASE("find covers both ends of a range, an open end, and nothing between entries") {
  const LayerPlan plan = parse_layer_plan("2-4:int8/int4,6:int4/int2,8-:native/int3");
  const auto found = [&](std::int64_t layer) {
    const LayerPlanEntry* entry = find(plan, layer);
    return entry == nullptr ? -1 : entry->layers.first;
  };
  CHECK(found(0) == -1);
  CHECK(found(1) == -1);
  CHECK(found(2) == 2);
  CHECK(found(4) == 2);
  CHECK(found(5) == -1);
  CHECK(found(6) == 6);
  CHECK(found(7) == -1);
  CHECK(found(8) == 8);
  CHECK(found(65'535) == 8);
  CHECK(find({}, 0) == nullptr);
}

// The malformed entry stands behind a good one, so that naming the whole text would not do.
void check_refused(const std::string& entry, const std::string& problem) {
  INFO("entry '" << entry << "'");
  const std::string text = "100:int8/int4," + entry;
  const auto line = refusal([&] { (void)parse_layer_plan(text); });
  REQUIRE(line.has_value());
  CHECK_THAT(*line, ContainsSubstring("--plan: entry '" + entry + "' " + problem));
}

TEST_CASE("an entry without its separators is refused by name") {
  for (const char* entry : {"", "0", "0-3", "0int8/int4"}) check_refused(entry, "has no ':'");
  for (const char* entry : {"0:", "0:fp8", "0:int8int4"}) check_refused(entry, "has no '/'");
}

TEST_CASE("an entry whose layers are no numbers is refused by name") {
  for (const char* layers :
       {"", "-", "-3", "x", "1-x", "x-1", "1--3", "1-2-3", " 1", "1 ", "+1", "0x1", "1.5", "1e2",
        "9223372036854775808", "0-99999999999999999999"}) {
    check_refused(std::string(layers) + ":int8/int4", "has no layer number where '");
  }
}

TEST_CASE("a range that ends before it begins is refused by name") {
  check_refused("3-1:int8/int4", "ends before it begins");
  check_refused("1-0:int8/int4", "ends before it begins");
}

TEST_CASE("an entry with a format that its tier does not have is refused by name") {
  for (const std::string formats :
       {"int9/int4", "/int4", "INT8/int4", "int8 /int4", "int3/int4", "int2/int2", "none/int4"}) {
    check_refused("0:" + formats, "has a wrong format: '" + formats.substr(0, formats.find('/')) +
                                      "' is no format of the importance tier; ");
  }
  for (const std::string formats :
       {"int8/", "int8/ int4", "int8/fp16", "int8/native", "int8/int4/int2", "int8/int4:int2"}) {
    check_refused("0:" + formats, "has a wrong format: '" + formats.substr(formats.find('/') + 1) +
                                      "' is no format of the retained tier; ");
  }
}

TEST_CASE("a layer that two entries cover is refused, in whichever order they come") {
  for (const std::string text : {
           "0-3:int8/int4,3:int8/int2",
           "3:int8/int4,0-3:int8/int2",
           "2-:int8/int4,5-9:int8/int2",
           "5-9:int8/int4,2-:int8/int2",
           "0-9:int8/int4,4-5:int8/int2",
           "4-5:int8/int4,0-9:int8/int2",
           "4:int8/int4,4:int8/int2",
           "7-:int8/int4,1-:int8/int2",
           "0:int8/int4,1:int8/int4,0-:int8/int2",
       }) {
    INFO(text);
    const auto line = refusal([&] { (void)parse_layer_plan(text); });
    REQUIRE(line.has_value());
    const std::string second = text.substr(text.rfind(',') + 1);
    CHECK_THAT(*line, ContainsSubstring("--plan: entry '" + second + "' covers a layer"));
  }
}

TEST_CASE("neighbouring ranges do not overlap") {
  CHECK(parse_layer_plan("0-3:int8/int4,4-5:int8/int2,6-:int8/int3").size() == 3);
  CHECK(parse_layer_plan("4-:int8/int4,0-3:int8/int2").size() == 2);
}

TEST_CASE("an empty text and a comma too many are refused") {
  for (const std::string text :
       {"", ",", "0:int8/int4,", ",0:int8/int4", "0:int8/int4,,1:int8/int4"}) {
    INFO("'" << text << "'");
    const auto line = refusal([&] { (void)parse_layer_plan(text); });
    REQUIRE(line.has_value());
    CHECK_THAT(*line, ContainsSubstring("--plan: entry '' has no ':'"));
  }
}

TEST_CASE("control characters of an entry do not reach the terminal") {
  const auto line = refusal([] { (void)parse_layer_plan("0\x1b[31m"); });
  REQUIRE(line.has_value());
  CHECK_THAT(*line, ContainsSubstring("'0\\x1b[31m'"));
}

}  // namespace
}  // namespace mikv::test
