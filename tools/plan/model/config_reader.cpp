// SPDX-License-Identifier: Apache-2.0
#include "tools/plan/model/config_reader.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "core/error.h"
#include "tools/plan/model/attention_shape.h"
#include "tools/plan/model/config_object.h"
#include "tools/plan/model/layer_kinds.h"
#include "tools/plan/model/recurrent_state.h"

namespace mikv::tools {
namespace {

// Where multimodal models keep their language model.
constexpr std::array kNested{"text_config", "language_config", "llm_config"};

void refuse_foreign(const ConfigObject& config) {
  if (config.boolean("is_encoder_decoder").value_or(false)) {
    config.refuse("is_encoder_decoder", "is true: cross-attention caches are not planned",
                  "give a decoder-only model");
  }
  if (config.has("compress_ratios")) {
    config.refuse("compress_ratios", "is there: how compressed attention is stored is not known",
                  "give a model without it");
  }
}

// The language model's object, with the defaults of its family filled in.
class LanguageModel {
 public:
  LanguageModel(const std::string& file, const nlohmann::json& json) {
    const ConfigObject top(file, "", json);
    refuse_foreign(top);
    for (const char* field : kNested) {
      if (!top.object(field)) continue;
      prefix_ = std::string(field) + ".";
      json_ = json[field];
      inherit(json);
      break;
    }
    if (prefix_.empty()) json_ = json;
    const ConfigObject own(file, prefix_, json_);
    refuse_foreign(own);
    add_defaults(own.text("model_type").value_or(""));
  }

  [[nodiscard]] ConfigObject object(const std::string& file) const {
    return {file, prefix_, json_};
  }

 private:
  // Fields that are written on either level.
  void inherit(const nlohmann::json& outer) {
    for (const char* field :
         {"dtype", "torch_dtype", "quantization_config", "tie_word_embeddings"}) {
      if ((!json_.contains(field) || json_[field].is_null()) && outer.contains(field)) {
        json_[field] = outer[field];
      }
    }
  }

  // Values that the family's own code has where the file is silent.
  void add_defaults(const std::string& model_type) {
    // Text, as the file is: whole numbers parse as unsigned.
    std::string text = "{}";
    if (model_type == "gemma3_text") {
      text = R"({"num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256,
                 "hidden_size": 2304, "sliding_window": 4096, "max_position_embeddings": 131072})";
      if (!json_.contains("layer_types")) json_.emplace("sliding_window_pattern", 6U);
    } else if (model_type == "gemma2" || model_type == "gemma") {
      text = R"({"head_dim": 256})";
    } else if (model_type == "qwen3" || model_type == "qwen3_moe") {
      text = R"({"head_dim": 128})";
    }
    const nlohmann::json defaults = nlohmann::json::parse(text);
    for (const auto& [key, value] : defaults.items()) {
      if (!json_.contains(key)) json_[key] = value;
    }
  }

  std::string prefix_;
  nlohmann::json json_;
};

void read_element(const ConfigObject& config, ModelShape& model) {
  constexpr std::array<std::pair<std::string_view, ElementType>, 3> kTypes{
      {{"bfloat16", ElementType::bf16},
       {"float16", ElementType::f16},
       {"float32", ElementType::f32}}};
  const char* field = config.has("dtype") ? "dtype" : "torch_dtype";
  const auto text = config.text(field);
  if (!text) {
    model.notes.emplace_back("no dtype in the configuration: native is bf16 here");
    return;
  }
  const std::string_view prefix = "torch.";
  const std::string name = text->starts_with(prefix) ? text->substr(prefix.size()) : *text;
  for (const auto& [known, type] : kTypes) {
    if (name == known) {
      model.element = type;
      return;
    }
  }
  config.refuse(field, "is '" + name + "', not bfloat16, float16 or float32", "give --kv");
}

// A checkpoint may ask for a quantized cache; the precision of its weights says nothing about it.
void read_cache_scheme(const ConfigObject& config, ModelShape& model) {
  const auto quantization = config.object("quantization_config");
  if (!quantization) return;
  const auto scheme = quantization->object("kv_cache_scheme");
  if (!scheme) return;
  if (scheme->integer("num_bits") != 8 || scheme->text("type") != "float") {
    scheme->refuse("type", "and num_bits describe no float of 8 bits", "give --kv");
  }
  model.fp8_cache = true;
}

void read_sizes(const ConfigObject& config, ModelShape& model) {
  model.max_context = config.tokens("max_position_embeddings");
  model.hidden_size = config.size("hidden_size");
  const auto vocabulary = config.size("vocab_size");
  if (vocabulary && model.hidden_size) model.embeddings = *vocabulary * *model.hidden_size;
  model.tied_embeddings = config.boolean("tie_word_embeddings").value_or(false);
}

void add_layers(const ConfigObject& config, ModelShape& model) {
  const std::vector<KindOfLayer> kinds = layer_kinds(config);
  model.num_layers = static_cast<std::int64_t>(kinds.size());
  const AttentionReader attention(config);
  // The last layers may read the cache of an earlier one.
  const std::int64_t shared = config.integer("num_kv_shared_layers").value_or(0);
  if (shared >= model.num_layers) {
    config.refuse("num_kv_shared_layers", "leaves no layer with a cache", "correct it");
  }
  const std::int64_t own = model.num_layers - shared;
  for (std::int64_t i = 0; i < own; ++i) {
    const KindOfLayer& kind = kinds[static_cast<std::size_t>(i)];
    if (!kind.kind) continue;
    if (*kind.kind == LayerKind::recurrent) {
      model.layers.push_back(
          {i, {.kind = LayerKind::recurrent, .recurrent = recurrent_state(config)}, kind.field});
    } else if (auto shape = attention.shape(i, kind, model.max_context)) {
      model.layers.push_back({i, *shape, kind.field});
    }
  }
  if (model.layers.empty()) config.refuse("", "describes no layer with a cache");
  if (shared > 0) {
    model.notes.push_back("the last " + std::to_string(shared) +
                          " layers read the cache of earlier ones");
  }
}

// Far beyond any model, and small enough for sums of bytes in 64 bits.
void require_plannable(const ConfigObject& config, const ModelShape& model) {
  constexpr double kMostBytes = 0x1p25;  // of a token or a state, in fp32
  double token = 0;
  double state = 0;
  for (const NumberedLayer& layer : model.layers) {
    const LayerShape& shape = layer.shape;
    token += 4.0 * static_cast<double>(shape.kv_heads * (shape.key_dim + shape.value_dim));
    token += static_cast<double>(shape.indexer_dim);
    state += 4.0 * static_cast<double>(shape.recurrent.state + shape.recurrent.convolution);
  }
  constexpr double kMostState = 0x1p30;
  if (token > kMostBytes) config.refuse("", "describes more than 32 MiB of cache a token");
  if (state > kMostState) config.refuse("", "describes more than 1 GiB of states a sequence");
}

void add_notes(const ConfigObject& config, ModelShape& model) {
  for (const char* field : {"num_nextn_predict_layers", "mtp_num_hidden_layers"}) {
    const std::int64_t layers = config.integer(field).value_or(0);
    if (layers == 0) continue;
    model.notes.push_back(std::string(field) + " is " + std::to_string(layers) +
                          ": --draft-layers " + std::to_string(layers) +
                          " counts their cache where an engine loads them");
  }
}

}  // namespace

ModelShape read_config(const std::string& file, const nlohmann::json& json) {
  if (!json.is_object()) {
    throw InputError(file, "", "is no JSON object", "give a model's config.json");
  }
  const LanguageModel language_model(file, json);
  const ConfigObject config = language_model.object(file);
  ModelShape model;
  model.name = file;
  model.source = file;
  model.query_heads = config.required_size("num_attention_heads");
  read_element(config, model);
  read_cache_scheme(config, model);
  read_sizes(config, model);
  add_layers(config, model);
  require_plannable(config, model);
  add_notes(config, model);
  return model;
}

}  // namespace mikv::tools
