// SPDX-License-Identifier: Apache-2.0
#include "tools/plan/planner.h"

#include <algorithm>

#include "core/cache_footprint.h"
#include "core/error.h"

namespace mikv::tools {
namespace {

// Where a model does not say how long its contexts may be.
constexpr std::int64_t kUnknownContext = 32'768;
constexpr std::int64_t kLongestContext = std::int64_t{1} << 31;
constexpr std::int64_t kMostSequences = std::int64_t{1} << 24;
constexpr std::int64_t kMostTokens = std::int64_t{1} << 32;
// Longer than any window, and whole pages of engines and of tiers with ratios in thousandths: the
// difference of two such contexts is what grows.
constexpr std::int64_t kFar = 1'048'576'000;

double growth(std::int64_t near, std::int64_t far) {
  return static_cast<double>(far - near) / static_cast<double>(kFar);
}

std::int64_t longest_context(const PlanRequest& request) {
  return request.model.max_context.value_or(kLongestContext);
}

std::int64_t most_sequences(const PlanRequest& request) {
  return request.engine.max_sequences.value_or(kMostSequences);
}

std::vector<LayerGroup> group_layers(const Engine& engine, std::int64_t context) {
  std::vector<LayerGroup> groups;
  for (const StoredLayer& layer : engine.layers()) {
    const auto known = std::find_if(groups.begin(), groups.end(), [&](const LayerGroup& group) {
      return group.like.shape == layer.shape && group.like.kv == layer.kv;
    });
    if (known != groups.end()) {
      known->layers.push_back(layer.layer);
      continue;
    }
    groups.push_back({.like = layer,
                      .layers = {layer.layer},
                      .bytes = engine.layer_bytes(layer, {context, 1}),
                      .bytes_per_token = growth(engine.layer_bytes(layer, {kFar, 1}).total(),
                                                engine.layer_bytes(layer, {2 * kFar, 1}).total())});
  }
  return groups;
}

// Scores of the prompt are held until the tiers are formed.
std::optional<std::int64_t> peak_bytes(const Engine& engine, std::int64_t context) {
  std::int64_t peak = 0;
  bool any = false;
  for (const StoredLayer& layer : engine.layers()) {
    if (layer.mikv) {
      any = true;
      peak += layer.shape.kv_heads *
              cache_footprint(
                  *layer.mikv, layer.shape.key_dim,
                  {.prompt = std::max<std::int64_t>(1, context - 1), .decode = context > 1 ? 1 : 0})
                  .peak();
    } else {
      peak += engine.layer_bytes(layer, {context, 1}).total();
    }
  }
  return any ? std::optional(peak) : std::nullopt;
}

std::vector<ContextRow> context_rows(const Engine& engine, std::optional<std::int64_t> memory,
                                     std::int64_t longest, std::int64_t most) {
  std::vector<ContextRow> rows;
  constexpr std::int64_t kShortest = 1024;
  const auto add = [&](std::int64_t context) {
    rows.push_back({context, engine.bytes({context, 1}).total(),
                    memory ? engine.max_sequences(*memory, context, most) : 0});
  };
  for (std::int64_t context = kShortest; context < longest; context *= 2) add(context);
  add(longest);
  return rows;
}

// What the model, the engine's options or the answer make worth saying.
std::vector<std::string> notes_of(const PlanRequest& request, const Engine& engine,
                                  const PlanAnswer& answer) {
  std::vector<std::string> notes = request.model.notes;
  const std::optional<std::int64_t> longest = request.model.max_context;
  if (longest && answer.context > *longest) {
    notes.push_back("context " + std::to_string(answer.context) +
                    " is beyond the model's max_position_embeddings, " + std::to_string(*longest));
  } else if (!longest && !request.context && !answer.max_context) {
    notes.push_back("no max_position_embeddings in the configuration: context " +
                    std::to_string(answer.context) + " is taken");
  }
  const bool kept_native =
      std::any_of(engine.layers().begin(), engine.layers().end(),
                  [](const StoredLayer& layer) { return !layer.obstacle.empty(); });
  if (kept_native) {
    notes.emplace_back("layers that the format cannot keep (windows, latents) are native");
  }
  if (request.memory && answer.kv_memory == 0) {
    notes.emplace_back(
        "nothing is left for KV: more GPUs (--tensor-parallel) or smaller weights would leave "
        "some");
  }
  notes.insert(notes.end(), engine.notes().begin(), engine.notes().end());
  return notes;
}

// Fills in context and sequences: what is asked for, else what fits.
void choose_workload(const PlanRequest& request, const Engine& engine, PlanAnswer& answer) {
  const std::int64_t model_context = request.model.max_context.value_or(kUnknownContext);
  answer.context = request.context.value_or(model_context);
  answer.sequences = request.sequences.value_or(1);
  if (answer.sequences > most_sequences(request)) {
    throw UsageError("--batch",
                     std::to_string(answer.sequences) + " is more than --max-sequences " +
                         std::to_string(most_sequences(request)),
                     "ask for fewer, or leave one of them out");
  }
  const bool both_known = request.context || !answer.kv_memory;
  if (both_known && answer.context * answer.sequences > kMostTokens) {
    throw UsageError("--batch", "and --context are more than 2^32 tokens", "ask for fewer");
  }
  if (!answer.kv_memory) return;
  if (!request.context && request.sequences) {
    answer.max_context =
        engine.max_context(*answer.kv_memory, *request.sequences, longest_context(request));
    answer.context = std::max<std::int64_t>(1, *answer.max_context);
  }
  answer.max_sequences =
      engine.max_sequences(*answer.kv_memory, answer.context, most_sequences(request));
  if (!request.sequences) answer.sequences = std::max<std::int64_t>(1, *answer.max_sequences);
}

}  // namespace

bool PlanAnswer::answers() const {
  if (contexts.empty() || !kv_memory) return fits();
  return std::any_of(contexts.begin(), contexts.end(),
                     [](const ContextRow& row) { return row.max_sequences > 0; });
}

std::optional<std::int64_t> kv_memory(const PlanRequest& request, const Engine& engine) {
  if (request.kv_memory) return request.kv_memory;
  if (!request.memory) return std::nullopt;
  const std::int64_t bytes = engine.kv_memory({.memory = *request.memory,
                                               .weights = request.weights.bytes,
                                               .embedding = request.weights.embedding,
                                               .hidden_size = request.model.hidden_size.value_or(0),
                                               .other = request.other_memory});
  return std::max<std::int64_t>(0, bytes);
}

std::unique_ptr<Engine> make_engine(const PlanRequest& request, const EngineInfo& info) {
  KvOptions kv = request.kv;
  kv.aliases = info.aliases;
  EngineOptions options = request.engine;
  options.tensor_parallel = kv.tensor_parallel;
  require_rules(options, info);
  return info.make(store_layers(request.model, kv), options);
}

Parallelism parallelism(const ModelShape& model) {
  Parallelism parallel;
  std::vector<std::int64_t> heads;
  for (const NumberedLayer& layer : model.layers) {
    parallel.whole_latents |= layer.shape.kind == LayerKind::latent;
    if (layer.shape.kind == LayerKind::latent || layer.shape.kv_heads == 0) continue;
    heads.push_back(layer.shape.kv_heads);
  }
  if (!heads.empty()) parallel.replicated_above = *std::min_element(heads.begin(), heads.end());
  constexpr std::int64_t kMostGpus = 64;
  for (std::int64_t size = 1; size <= std::min(model.query_heads, kMostGpus); ++size) {
    const bool divides = std::all_of(heads.begin(), heads.end(), [size](std::int64_t count) {
      return count % size == 0 || size % count == 0;
    });
    if (model.query_heads % size == 0 && divides) parallel.sizes.push_back(size);
  }
  return parallel;
}

PlanAnswer plan(const PlanRequest& request, const EngineInfo& info) {
  const std::unique_ptr<Engine> engine = make_engine(request, info);
  PlanAnswer answer;
  answer.engine = info.name;
  answer.settings = engine->settings();
  answer.settings.emplace_back("max_sequences", request.engine.max_sequences
                                                    ? std::to_string(*request.engine.max_sequences)
                                                    : "no limit");
  answer.rules = engine->rules();
  answer.kv_memory = kv_memory(request, *engine);
  choose_workload(request, *engine, answer);
  answer.groups = group_layers(*engine, answer.context);
  answer.sequence = engine->bytes({answer.context, 1});
  answer.all = engine->bytes({answer.context, answer.sequences});
  answer.bytes_per_token =
      growth(engine->bytes({kFar, 1}).total(), engine->bytes({2 * kFar, 1}).total());
  const auto total = static_cast<double>(answer.sequence.total());
  const auto context = static_cast<double>(answer.context);
  answer.fixed_bytes = total - answer.bytes_per_token * context;
  answer.tokens_per_gib = 0x1p30 * context / total;
  answer.peak_bytes = peak_bytes(*engine, answer.context);
  if (answer.kv_memory) {
    answer.tokens = engine->tokens(*answer.kv_memory, answer.context);
    answer.max_concurrency = engine->concurrency(*answer.kv_memory, answer.context);
    answer.headroom = *answer.kv_memory - answer.all.total();
  }
  if (!request.context && !request.sequences) {
    answer.contexts =
        context_rows(*engine, answer.kv_memory, request.model.max_context.value_or(kUnknownContext),
                     most_sequences(request));
  }
  answer.notes = notes_of(request, *engine, answer);
  return answer;
}

}  // namespace mikv::tools
