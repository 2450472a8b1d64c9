// SPDX-License-Identifier: Apache-2.0
// config.json as it is found: understood, or refused by the field's name.
#include <functional>
#include <string>

#include "core/error.h"
#include "tests/support/catch.h"
#include "tools/plan/kv/token_bytes.h"
#include "tools/plan/model/config_reader.h"
#include "tools/plan/model/describe.h"
#include "tools/support/json_file.h"

namespace mikv::test {
namespace {

using tools::LayerKind;
using tools::ModelShape;

ModelShape read(const std::string& text) {
  return tools::read_config("config.json", tools::parse_json(text, "config.json", "repair it"));
}

// A small model's fields, and more of them.
std::string config(const std::string& more, const std::string& base = R"("model_type": "llama",
    "num_hidden_layers": 4, "num_attention_heads": 8, "num_key_value_heads": 2,
    "hidden_size": 512, "max_position_embeddings": 4096, "torch_dtype": "bfloat16")") {
  return "{" + base + (more.empty() ? "" : ", ") + more + "}";
}

struct Understood {
  std::string text;
  std::string layers;  // as describe.h has them
  std::string heads;   // of the first layer that keeps something
  std::int64_t growing_bytes;
};

TEST_CASE("configurations in all the ways in which they are written are understood") {
  const auto one = GENERATE(values<Understood>({
      // head_dim: missing, null, present and other than hidden_size / heads
      {config(""), "4 full", "2 x 64", 4 * 2 * 64 * 2 * 2},
      {config(R"("head_dim": null)"), "4 full", "2 x 64", 2048},
      {config(R"("head_dim": 128)"), "4 full", "2 x 128", 4096},
      {config(R"("attention_head_dim": 96)"), "4 full", "2 x 96", 3072},
      {config(R"("head_dim": 192, "v_head_dim": 128)"), "4 full", "2 x 192/128", 4 * 2 * 320 * 2},
      {config("", R"("model_type": "qwen3", "num_hidden_layers": 1, "num_attention_heads": 16,
          "num_key_value_heads": 8, "hidden_size": 1024, "dtype": "bfloat16")"),
       "1 full", "8 x 128", 4096},
      // KV heads
      {config(R"("num_key_value_heads": null)",
              R"("model_type": "llama", "num_hidden_layers": 1, "num_attention_heads": 8,
          "hidden_size": 512)"),
       "1 full", "8 x 64", 2048},
      // nested
      {R"({"model_type": "x", "torch_dtype": "float32", "vision_config": {"num_hidden_layers": 99},
          "text_config": )" +
           config("") + "}",
       "4 full", "2 x 64", 2048},
      {R"({"llm_config": )" + config("") + "}", "4 full", "2 x 64", 2048},
      {R"({"language_config": )" + config("") + "}", "4 full", "2 x 64", 2048},
      {R"({"text_config": null, "num_hidden_layers": 1, "num_attention_heads": 1,
          "num_key_value_heads": 1, "head_dim": 8})",
       "1 full", "1 x 8", 32},
      {R"({"torch_dtype": "bfloat16", "text_config": {"model_type": "gemma3_text",
          "num_hidden_layers": 12, "hidden_size": 2560, "sliding_window": 1024}})",
       "10 sliding 1024, 2 full", "4 x 256", 2 * 4 * 256 * 2 * 2},
      // windows: disabled, null, in all layers, from a layer on, never filled
      {config(R"("sliding_window": 1024, "use_sliding_window": false, "max_window_layers": 2)"),
       "4 full", "2 x 64", 2048},
      {config(R"("sliding_window": null)"), "4 full", "2 x 64", 2048},
      {config(R"("sliding_window": 1024)"), "4 sliding 1024", "2 x 64", 0},
      {config(R"("sliding_window": 1024, "use_sliding_window": true, "max_window_layers": 3)"),
       "3 full, 1 sliding 1024", "2 x 64", 3 * 512},
      {config(R"("sliding_window": 4096)"), "4 full", "2 x 64", 2048},
      {config(R"("sliding_window": 4095)"), "4 sliding 4095", "2 x 64", 0},
      // kinds by layer
      {config(R"("sliding_window": 64, "layer_types": ["full_attention", "sliding_attention",
          "sliding_attention", "full_attention"])"),
       "2 full, 2 sliding 64", "2 x 64", 1024},
      {config(R"("sliding_window": 64, "sliding_window_pattern": 2)"), "2 sliding 64, 2 full",
       "2 x 64", 1024},
      {config(R"("sliding_window": 64, "_sliding_window_pattern": 4)"), "3 sliding 64, 1 full",
       "2 x 64", 512},
      {config(R"("sliding_window": 64, "hybrid_layer_pattern": [0, 1, 1, 0],
          "swa_num_key_value_heads": 4, "swa_head_dim": 32)"),
       "2 full, 2 sliding 64", "2 x 64", 1024},
      {config(R"("attention_chunk_size": 64, "no_rope_layers": [1, 1, 1, 0])"),
       "3 chunked 64, 1 full", "2 x 64", 512},
      {config(R"("attention_chunk_size": 64, "no_rope_layers": [], "no_rope_layer_interval": 2)"),
       "2 chunked 64, 2 full", "2 x 64", 1024},
      {config(R"("attn_type_list": [1, 1, 1, 1])"), "4 full", "2 x 64", 2048},
      {config("", R"("model_type": "gemma2", "num_hidden_layers": 4, "num_attention_heads": 8,
          "num_key_value_heads": 2, "hidden_size": 512, "sliding_window": 64, "dtype": "float16")"),
       "2 sliding 64, 2 full", "2 x 256", 4096},
      {config(R"("sliding_window": 64, "layer_types": ["sliding_attention", "sliding_attention",
          "sliding_attention", "full_attention"], "num_global_key_value_heads": 1,
          "global_head_dim": 256)"),
       "3 sliding 64, 1 full", "2 x 64", 1 * 256 * 2 * 2},
      // hybrids
      {config(R"("full_attention_interval": 4, "linear_num_value_heads": 4,
          "linear_num_key_heads": 2, "linear_key_head_dim": 16, "linear_value_head_dim": 16,
          "linear_conv_kernel_dim": 4)"),
       "3 recurrent, 1 full", "state", 512},
      {config(R"("hybrid_override_pattern": "M*-E", "mamba_num_heads": 2, "mamba_head_dim": 8,
          "ssm_state_size": 16, "n_groups": 1, "conv_kernel": 4)"),
       "1 recurrent, 1 full", "state", 512},
      {config(R"("layers_block_type": ["attention", "moe", "mlp", "attention"])",
              R"("num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 64)"),
       "2 full", "2 x 64", 1024},
      // latent attention: its width is not in num_key_value_heads, head_dim or v_head_dim
      {config(R"("kv_lora_rank": 512, "qk_rope_head_dim": 64, "v_head_dim": 128, "head_dim": 64)"),
       "4 latent", "1 x 576", 4 * 576 * 2},
      {config(R"("kv_lora_rank": 512, "qk_rope_head_dim": 64, "linear_attn_config":
          {"full_attn_layers": [2, 4], "num_heads": 2, "head_dim": 16,
           "short_conv_kernel_size": 4})"),
       "2 recurrent, 2 latent", "state", 2 * 576 * 2},
      // caches that layers share, blocks with their own heads
      {config(R"("num_kv_shared_layers": 3)"), "1 full", "2 x 64", 512},
      {config(R"("block_configs": [{"attention": {"n_heads_in_group": 8}},
          {"attention": {"no_op": true, "n_heads_in_group": null}},
          {"attention": {"replace_with_linear": true}}, {"attention": {"num_key_value_heads": 4}}])",
              R"("num_hidden_layers": 4, "num_attention_heads": 8, "num_key_value_heads": null,
          "hidden_size": 512)"),
       "2 full", "1 x 64", (1 + 4) * 64 * 2 * 2},
  }));
  INFO(one.text);
  const ModelShape model = read(one.text);
  CHECK(tools::layers_text(model) == one.layers);
  CHECK(tools::heads_text(model.layers.front().shape) == one.heads);
  CHECK(tools::native_token_bytes(model, true) == one.growing_bytes);
}

TEST_CASE("what a configuration does not say is refused by the field's name") {
  const auto [text, field] = GENERATE(table<std::string, std::string>({
      {"[]", "is no JSON object"},
      {"{}", "num_attention_heads: is missing"},
      {config("", R"("num_attention_heads": 8)"), "num_hidden_layers: is missing"},
      {R"({"text_config": {}})", "text_config.num_attention_heads: is missing"},
      {R"({"text_config": 3})", "text_config: is no object"},
      {config("", R"("model_type": "falcon", "num_hidden_layers": 4, "num_attention_heads": 8,
          "hidden_size": 512)"),
       "num_key_value_heads: is missing or null"},
      {config("", R"("model_type": "llama", "num_hidden_layers": 4, "num_attention_heads": 7,
          "hidden_size": 512)"),
       "head_dim: is missing, and hidden_size 512"},
      {config("", R"("model_type": "llama", "num_hidden_layers": 4, "num_attention_heads": 8)"),
       "hidden_size: is missing"},
      {config(R"("head_dim": 0)"), "head_dim: is 0"},
      {config(R"("head_dim": -64)"), "head_dim: is -64"},
      {config(R"("head_dim": 64.0)"), "head_dim: is 64.0"},
      {config(R"("head_dim": "64")"), "head_dim: is \"64\""},
      {config(R"("head_dim": 18446744073709551615)"), "head_dim: is 18446744073709551615"},
      {config(R"("head_dim": 1048577)"), "head_dim: is 1048577, not from 1 to 2^20"},
      {config(R"("head_dim": 1048576)"), "describes more than 32 MiB of cache a token"},
      {config(R"("sliding_window": 2147483649)"),
       "sliding_window: is 2147483649, not from 1 to 2^31"},
      {config(R"("full_attention_interval": 4, "linear_num_value_heads": 1048576,
          "linear_num_key_heads": 1048576, "linear_key_head_dim": 1048576,
          "linear_value_head_dim": 1048576, "linear_conv_kernel_dim": 1048576)"),
       "describes more than 1 GiB of states"},
      {config(R"("head_dim": [64])"), "head_dim: is [64]"},
      {config("", R"("num_hidden_layers": 1000000, "num_attention_heads": 8)"),
       "num_hidden_layers: is more than 4096"},
      {config(R"("layer_types": ["full_attention"])"), "layer_types: has 1 entries for 4 layers"},
      {config(R"("layer_types": [])"), "layer_types: is empty"},
      {config(R"("layer_types": "full_attention")"), "layer_types: is no array"},
      {config(R"("layer_types": ["full_attention", "x", "x", "x"])"), "layer_types[1]: is 'x'"},
      {config(R"("layer_types": ["full_attention", 1, 1, 1])"), "layer_types[1]: is no text"},
      {config(R"("layer_types": ["conv", "conv", "conv", "full_attention"])"),
       "layer_types[0]: is 'conv'"},
      {config(R"("layer_types": ["sliding_attention", "full_attention", "full_attention",
          "full_attention"])"),
       "sliding_window: is missing for layer_types[0]"},
      {config(R"("layer_types": ["chunked_attention", "full_attention", "full_attention",
          "full_attention"])"),
       "attention_chunk_size: is missing for layer_types[0]"},
      {config(R"("sliding_window": 0)"), "sliding_window: is 0"},
      {config(R"("sliding_window": "big")"), "sliding_window: is \"big\""},
      {config(R"("sliding_window": 64, "use_sliding_window": 1)"),
       "use_sliding_window: is not true"},
      {config(R"("hybrid_override_pattern": "M*X*")"), "hybrid_override_pattern[2]: is 'X'"},
      {config(R"("hybrid_override_pattern": "M***")"), "mamba_num_heads: is missing"},
      {config(R"("hybrid_layer_pattern": [0, 1, 2, 0])"), "hybrid_layer_pattern[2]: is not 0 or 1"},
      {config(R"("attn_type_list": [1, 1, 1, 0])"), "mamba_num_heads: is missing"},
      {config(R"("layers_block_type": ["attention", "quantum", "mlp", "mlp"])"),
       "layers_block_type[1]: is 'quantum'"},
      {config(R"("layers_block_type": ["mlp", "mlp", "mlp", "mlp"])"), "describes no layer"},
      {config(R"("linear_attn_config": {})"), "linear_attn_config.full_attn_layers: is missing"},
      {config(R"("linear_attn_config": {"full_attn_layers": [0]})"),
       "linear_attn_config.full_attn_layers: has 0"},
      {config(R"("linear_attn_config": {"full_attn_layers": [5]})"),
       "linear_attn_config.full_attn_layers: has 5"},
      {config(R"("full_attention_interval": 2)"), "mamba_num_heads: is missing"},
      {config(R"("full_attention_interval": 0)"), "full_attention_interval: is 0"},
      {config(R"("attention_chunk_size": 64)"), "no_rope_layers: is missing"},
      {config(R"("kv_lora_rank": 512)"), "qk_rope_head_dim: is missing"},
      {config(R"("kv_lora_rank": 512, "qk_rope_head_dim": 64, "sliding_window": 64)"),
       "sliding_window: is a window beside kv_lora_rank"},
      {config(R"("compress_ratios": [0, 4])"), "compress_ratios: is there"},
      {config(R"("is_encoder_decoder": true)"), "is_encoder_decoder: is true"},
      {config(R"("num_kv_shared_layers": 4)"), "num_kv_shared_layers: leaves no layer"},
      {config(R"("block_configs": [{"attention": {"num_key_value_heads": null}}])"),
       "block_configs[0].attention.num_key_value_heads: is missing"},
      {config(R"("block_configs": [{}])"), "block_configs[0].attention: is missing"},
      {config(R"("block_configs": [7])"), "block_configs[0]: is no object"},
      {config(R"("block_configs": [{"attention": {"n_heads_in_group": 1}}])"),
       "block_configs: has fewer entries"},
      {config(R"("block_configs": [{"attention": {"n_heads_in_group": 3}}])"),
       "block_configs[0].attention.n_heads_in_group: does not divide"},
      {config(R"("dtype": "float8_e4m3fn")"), "dtype: is 'float8_e4m3fn'"},
      {config(R"("quantization_config": {"kv_cache_scheme": {"num_bits": 4, "type": "int"}})"),
       "quantization_config.kv_cache_scheme.type: and num_bits describe no float of 8 bits"},
      {config(R"("num_hidden_layers": 5)"), "num_hidden_layers: is there twice"},
      {"{\"a\": " + std::string(100, '['), "is nested too deeply"},
      {"{\"num_attention_heads\": 8", "is not valid JSON at byte"},
      {"\xff\xfe", "is not valid JSON at byte"},
      {"", "is not valid JSON at byte"},
      {R"({"num_attention_heads": 1e999})", "holds a number that no double can"},
  }));
  INFO(text);
  try {
    (void)read(text);
    FAIL("it was understood");
  } catch (const InputError& error) {
    const std::string line = error.what();
    CHECK(line.starts_with("config.json: " + field));
    CHECK(error.exit_code() == ExitCode::input);
    CHECK(line.find('\n') == std::string::npos);
  }
}

TEST_CASE("a checkpoint's cache scheme is taken, the precision of its weights is not") {
  CHECK(read(config(R"("quantization_config": {"kv_cache_scheme":
      {"num_bits": 8, "type": "float"}})"))
            .fp8_cache);
  CHECK_FALSE(read(config(R"("quantization_config": {"quant_method": "fp8"})")).fp8_cache);
}

TEST_CASE("the state of a linear attention layer is heads of key by value channels") {
  const ModelShape model = read(config(R"("full_attention_interval": 4,
      "linear_num_value_heads": 48, "linear_num_key_heads": 16, "linear_key_head_dim": 128,
      "linear_value_head_dim": 128, "linear_conv_kernel_dim": 4)"));
  CHECK(tools::recurrent_bytes(model.layers.front().shape, 4) ==
        48 * 128 * 128 * 4 + (16 * 128 * 2 + 48 * 128) * 3 * 4);
}

TEST_CASE("draft layers of a checkpoint are said, not counted") {
  const ModelShape model = read(config(R"("num_nextn_predict_layers": 1)"));
  CHECK(model.layers.size() == 4);
  REQUIRE(model.notes.size() == 1);
  CHECK_THAT(model.notes.front(), ContainsSubstring("--draft-layers 1"));
}

}  // namespace
}  // namespace mikv::test
