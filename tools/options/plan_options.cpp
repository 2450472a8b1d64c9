// SPDX-License-Identifier: Apache-2.0
#include "tools/options/plan_options.h"

#include <algorithm>
#include <array>
#include <functional>

#include "core/error.h"
#include "tools/options/byte_size.h"
#include "tools/options/number.h"
#include "tools/options/plan_effect.h"
#include "tools/options/value_type.h"
#include "tools/plan/memory/gpu.h"
#include "tools/plan/model/catalogue.h"
#include "tools/plan/model/model_source.h"

namespace mikv::tools {
namespace {

constexpr const char* kGroup = "Model, memory (80GiB, 85.9GB or bytes) and engine";
constexpr const char* kCacheGroup = "MiKV";
constexpr const char* kAll = "all";
constexpr std::uint64_t kMaxTokens = std::uint64_t{1} << 31;
constexpr std::uint64_t kMaxSequences = std::uint64_t{1} << 24;
constexpr std::uint64_t kMaxGpus = 1 << 16;

CLI::Option& add(CLI::App& command, const char* group, const std::string& name, const char* type,
                 const std::string& summary, const std::function<void(const std::string&)>& set) {
  return *command.add_option_function<std::string>(name, set, summary)
              ->type_name(type)
              ->group(group);
}

void add_text(CLI::App& command, const char* group, const std::string& name, const char* type,
              const std::string& summary, std::string& text,
              const std::vector<std::string>& words = {}) {
  CLI::Option& option =
      add(command, group, name, type, summary, [&text](const std::string& value) { text = value; });
  if (!words.empty()) set_words(option, words);
}

template <typename Number>
void add_count(CLI::App& command, const char* group, const std::string& name,
               const std::string& summary, std::uint64_t low, std::uint64_t high, Number& number) {
  add(command, group, name, "N", summary, [&number, name, low, high](const std::string& text) {
    number = static_cast<std::int64_t>(parse_count(name, text, low, high));
  });
}

template <typename Number>
void add_bytes(CLI::App& command, const char* group, const std::string& name,
               const std::string& summary, Number& bytes) {
  add(command, group, name, "BYTES", summary,
      [&bytes, name](const std::string& text) { bytes = parse_bytes(name, text); });
}

}  // namespace

void PlanOptions::add_model(CLI::App& command) {
  std::vector<std::string> names;
  for (const std::string_view name : catalogue_names()) names.emplace_back(name);
  add_text(command, kGroup, "--model", "MODEL", "a name of 'mikv models', or a config.json", model_,
           names);
  add_count(command, kGroup, "--context", "tokens of a sequence [the longest]", 1, kMaxTokens,
            context_);
  add_count(command, kGroup, "--batch", "sequences at the same time [the most]", 1, kMaxSequences,
            batch_);
  add_count(command, kGroup, "--draft-layers", "more attention layers: MTP, EAGLE [0]", 0, 16,
            draft_layers_);
}

void PlanOptions::add_memory(CLI::App& command) {
  add_text(command, kGroup, "--gpu", "NAME", "h200, h100, a100, b200, l40s, ...", gpu_,
           gpu_names());
  add_bytes(command, kGroup, "--memory", "memory of a GPU, in place of --gpu", memory_);
  add_count(command, kGroup, "--gpus", "GPUs in all [as tensor-parallel]", 1, kMaxGpus, gpus_);
  add_count(command, kGroup, "--tensor-parallel", "GPUs that share a model [--gpus]", 1, kMaxGpus,
            tensor_parallel_);
  add_bytes(command, kGroup, "--weights-bytes", "weights of the whole model", weights_bytes_);
  add_text(command, kGroup, "--weights-format", "FORMAT", "in place of bytes: bf16, fp8, int4, ...",
           weights_format_, weight_formats());
  add_bytes(command, kGroup, "--other-memory", "activations, graphs, buffers of a GPU [0]",
            other_memory_);
  add_bytes(command, kGroup, "--kv-memory", "memory of a GPU for KV, in place of all these",
            kv_memory_);
}

void PlanOptions::add_cache(CLI::App& command) {
  add_text(command, kCacheGroup, "--kv", "FORMAT",
           "fp16, fp8, int8, int4, int2, mikv, q8_0, ... [the model's]", kv_, kv_words());
  CLI::Option& plan = add(command, kCacheGroup, "--plan", "PLAN",
                          "formats by layer: '0-3:int8,4-:mikv' or a JSON file",
                          [this](const std::string& text) { plan_ = text; });
  set_file(plan);
  cache_.add_settings(command);
}

void PlanOptions::add_engine(CLI::App& command) {
  std::vector<std::string> names;
  for (const EngineInfo* info : engine_list()) names.emplace_back(info->name);
  names.emplace_back(kAll);
  add_text(command, kGroup, "--engine", "NAME",
           "ideal, vllm, sglang, trtllm, llamacpp or all [ideal]", engine_, names);
  command
      .add_option_function<std::vector<std::string>>(
          "--engine-version",
          [this](const std::vector<std::string>& texts) {
            for (const std::string& text : texts) versions_.add(text);
          },
          "whose rules apply; of all vllm=0.10, repeatable [newest]")
      ->type_name("V")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->group(kGroup);
  add_count(command, kGroup, "--page-size", "tokens of a page [the engine's]", 1, 65'536,
            engine_options_.page_size);
  add(command, kGroup, "--utilization", "U", "share of the memory that it uses [the engine's]",
      [this](const std::string& text) {
        const double share = parse_share("--utilization", text);
        if (share == 0) throw UsageError("--utilization", "is 0", "give a share, such as 0.9");
        engine_options_.utilization = share;
      });
  add_count(command, kGroup, "--max-batched-tokens", "tokens of a step [the engine's]", 1,
            kMaxTokens, engine_options_.max_batched_tokens);
  add_count(command, kGroup, "--max-sequences", "sequences at most [no limit]", 1, kMaxSequences,
            engine_options_.max_sequences);
  add_count(command, kGroup, "--ubatch", "llama.cpp's physical batch [512]", 1, kMaxTokens,
            engine_options_.ubatch);
}

bool PlanOptions::all_engines() const {
  return engine_ == kAll;
}

EngineOptions PlanOptions::engine_options(const EngineInfo& engine) const {
  EngineOptions options = engine_options_;
  if (!all_engines()) {
    options.version = versions_.of_only(engine.name);
    return options;
  }
  options.version = versions_.of_each(engine.name);
  return with_rules(options, engine);
}

void PlanOptions::add_to(CLI::App& command) {
  add_model(command);
  add_memory(command);
  add_cache(command);
  add_engine(command);
}

std::int64_t PlanOptions::tensor_parallel() const {
  return tensor_parallel_.value_or(gpus_.value_or(1));
}

std::int64_t PlanOptions::instances() const {
  const std::int64_t gpus = gpus_.value_or(tensor_parallel());
  if (gpus % tensor_parallel() == 0) return gpus / tensor_parallel();
  throw UsageError("--gpus",
                   std::to_string(gpus) + " is no multiple of --tensor-parallel " +
                       std::to_string(tensor_parallel()),
                   "each model instance takes as many GPUs as that");
}

std::optional<std::int64_t> PlanOptions::gpu_bytes() const {
  if (memory_ && !gpu_.empty()) {
    throw UsageError("--memory", "cannot be given with --gpu", "give one of them");
  }
  if (!gpu_.empty()) return gpu_memory(gpu_);
  return memory_;
}

Weights PlanOptions::weights(const ModelShape& model) const {
  if (weights_bytes_ && !weights_format_.empty()) {
    throw UsageError("--weights-format", "cannot be given with --weights-bytes",
                     "give one of them");
  }
  if (weights_bytes_) return weights_of(model, *weights_bytes_);
  if (weights_format_.empty() && model.checkpoint_bytes) {
    return weights_of(model, *model.checkpoint_bytes);
  }
  return weights_in(
      model, weights_format_.empty() ? std::string(element_name(model.element)) : weights_format_);
}

void PlanOptions::require_memory_options_agree() const {
  struct Part {
    const char* option;
    bool given;
  };
  const std::array<Part, 6> parts{{{"--gpu", !gpu_.empty()},
                                   {"--memory", memory_.has_value()},
                                   {"--weights-bytes", weights_bytes_.has_value()},
                                   {"--weights-format", !weights_format_.empty()},
                                   {"--other-memory", other_memory_.has_value()},
                                   {"--utilization", engine_options_.utilization.has_value()}}};
  for (const Part& part : parts) {
    if (part.given && kv_memory_) {
      throw UsageError(part.option, "cannot be given with --kv-memory, which stands for all of it",
                       "leave one of them out");
    }
    if (part.given && gpu_.empty() && !memory_) {
      throw UsageError(part.option, "changes nothing without the memory of a GPU",
                       "add --gpu or --memory, or leave it out");
    }
  }
}

void PlanOptions::require_effect(const std::vector<StoredLayer>& layers) const {
  require_mikv_effect(cache_.given(), layers);
  if (!kv_.empty()) require_kv_effect(kv_, layers);
  if (engine_options_.page_size && engine_ == engines::ideal.name) require_page_effect(layers);
}

void PlanOptions::require_use_beside_log() const {
  constexpr const char* kProblem = "changes nothing beside --check-log";
  if (batch_) throw UsageError("--batch", kProblem, "leave it out");
  if (engine_options_.max_sequences) throw UsageError("--max-sequences", kProblem, "leave it out");
}

void PlanOptions::require_no_measured_settings() const {
  for (const std::string& option : cache_.given()) {
    constexpr std::array kMeasured{"--group-size", "--policy", "--recent-share", "--seed"};
    if (std::find(kMeasured.begin(), kMeasured.end(), option) == kMeasured.end()) continue;
    throw UsageError(option, "cannot be given with --reports, which say it", "leave it out");
  }
}

PlanRequest PlanOptions::request(const EngineInfo& engine) const {
  if (model_.empty()) {
    throw UsageError("--model", "is missing", "'mikv models' lists names; or give a config.json");
  }
  return request(engine, load_model(model_));
}

PlanRequest PlanOptions::request(const EngineInfo& engine, ModelShape model) const {
  require_memory_options_agree();
  PlanRequest request;
  request.model = std::move(model);
  request.kv = {.kv = kv_,
                .plan = plan_,
                .cache = cache_.config(),
                .tensor_parallel = tensor_parallel(),
                .draft_layers = draft_layers_};
  request.engine = engine_options(engine);
  request.context = context_;
  request.sequences = batch_;
  request.kv_memory = kv_memory_;
  request.memory = gpu_bytes();
  if (request.memory) request.weights = weights(request.model);
  request.other_memory = other_memory_.value_or(0);
  (void)instances();
  return request;
}

}  // namespace mikv::tools
