// SPDX-License-Identifier: Apache-2.0
#include "tools/plan/solver/measured_layers.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "core/error.h"
#include "tools/report/replay_report.h"

namespace mikv::tools {
namespace {

constexpr const char* kRemedy = "give reports written by 'mikv replay --json'";

// One report's members, each by its type.
class ReportReader {
 public:
  explicit ReportReader(const std::string& path) : path_(path), json_(read_replay_report(path)) {}

  [[noreturn]] void refuse(const std::string& field, const std::string& problem) const {
    throw InputError(path_, field, problem, kRemedy);
  }
  const nlohmann::json& layers() const { return json_["layers"]; }

  std::string text(const char* object, const char* name) const {
    const nlohmann::json& value = member(object, name);
    if (!value.is_string()) refuse(std::string(object) + "." + name, "is no string");
    return value.get<std::string>();
  }
  std::int64_t integer(const char* object, const char* name) const {
    const nlohmann::json& value = member(object, name);
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > 1 << 30) {
      refuse(std::string(object) + "." + name, "is no whole number up to 2^30");
    }
    return value.get<std::int64_t>();
  }

  CacheConfig configuration() const {
    CacheConfig config;
    config.importance_ratio = number("importance_ratio");
    config.recent_share = number("recent_share");
    config.group_size = integer("configuration", "group_size");
    config.seed = static_cast<std::uint64_t>(integer("configuration", "seed"));
    const nlohmann::json& balancer = member("configuration", "balancer");
    if (!balancer.is_boolean()) refuse("configuration.balancer", "is not true or false");
    config.balancer = balancer.get<bool>();
    const auto found = policy(text("configuration", "policy"));
    if (!found) refuse("configuration.policy", "is no importance policy");
    config.policy = *found;
    try {
      config.formats = {
          .importance = parse_importance_format(text("configuration", "importance_format")),
          .retained = parse_retained_format(text("configuration", "retained_format"))};
      if (!member("configuration", "plan").is_null()) {
        config.plan = parse_layer_plan(text("configuration", "plan"));
      }
    } catch (const UsageError& error) {
      refuse("configuration", error.detail());
    }
    return config;
  }

  ElementType element() const {
    const std::string name = text("trace", "element_type");
    for (const ElementType type : {ElementType::f16, ElementType::bf16, ElementType::f32}) {
      if (name == element_name(type)) return type;
    }
    refuse("trace.element_type", "is no element type");
  }

  AttentionShape shape() const {
    const AttentionShape shape{.query_heads = integer("trace", "num_query_heads"),
                               .kv_heads = integer("trace", "num_kv_heads"),
                               .head_dim = integer("trace", "head_dim")};
    if (shape.query_heads < 1 || shape.kv_heads < 1 || shape.head_dim < 1 ||
        shape.query_heads % shape.kv_heads != 0) {
      refuse("trace", "has heads that no model has");
    }
    return shape;
  }

 private:
  const nlohmann::json& member(const char* object, const char* name) const {
    const nlohmann::json& parent = json_[object];
    if (!parent.contains(name)) refuse(std::string(object) + "." + name, "is missing");
    return parent[name];
  }
  double number(const char* name) const {
    const nlohmann::json& value = member("configuration", name);
    if (!value.is_number()) refuse(std::string("configuration.") + name, "is no number");
    return value.get<double>();
  }

  std::string path_;
  nlohmann::json json_;
};

ModelShape model_of(const ReportReader& report) {
  const AttentionShape shape = report.shape();
  ModelShape model;
  model.name = report.text("trace", "model");
  model.source = "the trace of the reports";
  model.num_layers = report.integer("trace", "num_layers");
  constexpr std::int64_t kMaxLayers = 65'536;
  if (model.num_layers < 1 || model.num_layers > kMaxLayers) {
    report.refuse("trace.num_layers", "is not from 1 to 65536");
  }
  model.query_heads = shape.query_heads;
  model.element = report.element();
  for (std::int64_t i = 0; i < model.num_layers; ++i) {
    model.layers.push_back({i,
                            {.kind = LayerKind::full,
                             .kv_heads = shape.kv_heads,
                             .key_dim = shape.head_dim,
                             .value_dim = shape.head_dim}});
  }
  return model;
}

// The shortest text: a group of half a head is what a layer has anyway.
std::string settings_text(const LayerConfig& config, ElementType element, std::int64_t head_dim) {
  LayerSettings settings{.formats = TierFormats{.importance = config.importance_format,
                                                .retained = config.retained_format},
                         .importance_ratio = config.importance_ratio,
                         .group_size = std::nullopt,
                         .balancer = config.balancer};
  if (config.importance_format == native_format(element)) settings.formats->importance.reset();
  if (config.group_size * 2 != head_dim) settings.group_size = config.group_size;
  return to_string(settings);
}

bool same_cache(const CacheConfig& a, const CacheConfig& b) {
  return a.policy == b.policy && a.recent_share == b.recent_share && a.seed == b.seed;
}

class Collector {
 public:
  void add(const std::string& path) {
    const ReportReader report(path);
    const CacheConfig config = report.configuration();
    const std::string checksum = report.text("trace", "checksum");
    if (checksum_.empty()) {
      checksum_ = checksum;
      measured_.model = model_of(report);
      measured_.cache.policy = config.policy;
      measured_.cache.recent_share = config.recent_share;
      measured_.cache.seed = config.seed;
      measured_.tokens =
          report.integer("trace", "prompt_length") + report.integer("trace", "decode_length");
    }
    if (checksum != checksum_) {
      report.refuse("trace.checksum",
                    "is not that of the first report: errors of different traces "
                    "do not compare");
    }
    if (!same_cache(config, measured_.cache)) {
      report.refuse("configuration",
                    "has another policy, recent_share or seed than the first report");
    }
    for (std::size_t i = 0; i < report.layers().size(); ++i) {
      add_layer(report, "layers[" + std::to_string(i) + "]", report.layers()[i], config);
    }
  }

  MeasuredLayers finish() && { return std::move(measured_); }

 private:
  void add_layer(const ReportReader& report, const std::string& field, const nlohmann::json& json,
                 const CacheConfig& config) {
    const auto layer = json["layer"].get<std::int64_t>();
    if (layer < 0 || layer >= measured_.model.num_layers) report.refuse(field, "is no layer");
    for (const char* name : {"output_error", "output_norm"}) {
      const nlohmann::json& value = json[name];
      if (value.is_null() || !(value.get<double>() >= 0)) {
        report.refuse(field + "." + name,
                      "is undefined: a trace without decode steps measures none");
      }
    }
    MeasuredLayer& measured = measured_.layers[layer];
    measured.output_norm = json["output_norm"].get<double>();
    std::string kv;
    try {
      const AttentionShape shape = report.shape();
      kv = settings_text(resolve(config, shape, measured_.model.element, layer),
                         measured_.model.element, shape.head_dim);
    } catch (const UsageError& error) {
      report.refuse("configuration", error.what());
    }
    const bool known = std::any_of(measured.choices.begin(), measured.choices.end(),
                                   [&](const MeasuredChoice& choice) { return choice.kv == kv; });
    if (!known) measured.choices.push_back({kv, json["output_error"].get<double>()});
  }

  std::string checksum_;
  MeasuredLayers measured_;
};

}  // namespace

MeasuredLayers read_measured_layers(const std::vector<std::string>& paths) {
  Collector collector;
  for (const std::string& path : paths) collector.add(path);
  return std::move(collector).finish();
}

}  // namespace mikv::tools
