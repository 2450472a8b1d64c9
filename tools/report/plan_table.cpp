// SPDX-License-Identifier: Apache-2.0
#include "tools/report/plan_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "tools/options/layer_list.h"
#include "tools/plan/model/describe.h"
#include "tools/report/field.h"
#include "tools/report/number_text.h"
#include "tools/support/count_text.h"
#include "tools/support/terminal.h"

namespace mikv::tools {
namespace {

constexpr const char* kLayerRow = "{:<13} {:<14} {:<13} {:<12} {:>11} {:>11}\n";
constexpr const char* kContextRow = "{:>11} {:>14} {:>14} {:>18}\n";
constexpr const char* kEngineRow = "{:<9} {:>10} {:>12} {:>10} {:>7} {:>12} {:>12}\n";

std::string number(double value) {
  if (value == std::floor(value)) return fmt::format("{:.0f}", value);
  return fmt::format("{:.1f}", value);
}

std::string settings_text(const PlanAnswer& answer) {
  std::string text = answer.engine;
  for (const auto& [name, value] : answer.settings) text += fmt::format(", {} {}", name, value);
  return escape(text);
}

std::string memory_text(const PlanOptions& options, const PlanRequest& request,
                        const PlanAnswer& answer) {
  if (!answer.kv_memory) return "none given: --gpu, --memory or --kv-memory says what fits";
  std::string text = fmt::format("{} for KV on each GPU", bytes_text(*answer.kv_memory));
  if (!request.kv_memory) {
    text += fmt::format(", of {} with {} of weights on {}", bytes_text(*request.memory),
                        bytes_text(request.weights.bytes),
                        request.kv.tensor_parallel == 1 ? "it" : "all");
  }
  if (request.kv.tensor_parallel > 1) {
    text += fmt::format("; {} GPUs share a model", request.kv.tensor_parallel);
  }
  if (options.instances() > 1) text += fmt::format(", {} instances of it", options.instances());
  return text;
}

std::string header(const PlanOptions& options, const PlanRequest& request,
                   const PlanAnswer& answer) {
  const ModelShape& model = request.model;
  std::string text =
      field("model",
            fmt::format("{}: {}, with a cache {}; {}, {}", escape(model.name),
                        count_text(model.num_layers, "layer"), layers_text(model),
                        count_text(model.query_heads, "query head"), element_name(model.element)));
  text += field("engine", settings_text(answer));
  text += field("memory", memory_text(options, request, answer));
  for (const std::string& note : answer.notes) text += field("note", escape(note));
  return text;
}

std::string layers_cell(const std::vector<std::int64_t>& layers) {
  std::string text = layer_list_text(layers);
  constexpr std::size_t kCell = 13;
  return text.size() <= kCell ? text
                              : count_text(static_cast<std::int64_t>(layers.size()), "layer");
}

std::string kind_cell(const LayerShape& shape) {
  return shape.window > 0 ? fmt::format("{} {}", name(shape.kind), shape.window)
                          : std::string(name(shape.kind));
}

// A long name of a format stands below the table, under a letter.
class KvCells {
 public:
  std::string cell(const std::string& kv) {
    constexpr std::size_t kCell = 12;
    if (kv.size() <= kCell) return kv;
    const auto known = std::find(long_.begin(), long_.end(), kv);
    const auto index = static_cast<std::size_t>(known - long_.begin());
    if (known == long_.end()) long_.push_back(kv);
    return label(index);
  }
  std::string legend() const {
    std::string text;
    for (std::size_t i = 0; i < long_.size(); ++i) text += field(label(i), long_[i]);
    return text;
  }

 private:
  static std::string label(std::size_t index) { return "(" + std::to_string(index + 1) + ")"; }

  std::vector<std::string> long_;
};

std::string layer_rows(const PlanAnswer& answer, bool color) {
  KvCells cells;
  std::string text = bold(
      fmt::format(fmt::runtime(kLayerRow), "", "", "KV heads", "", "bytes a", "bytes of a"), color);
  text += bold(
      fmt::format(fmt::runtime(kLayerRow), "layers", "kind", "of a GPU", "KV", "token", "sequence"),
      color);
  for (const LayerGroup& group : answer.groups) {
    const auto count = static_cast<std::int64_t>(group.layers.size());
    text +=
        fmt::format(fmt::runtime(kLayerRow), layers_cell(group.layers), kind_cell(group.like.shape),
                    heads_text(group.like.shape), cells.cell(group.like.kv),
                    number(group.bytes_per_token * static_cast<double>(count)),
                    bytes_text(group.bytes.total() * count));
  }
  if (answer.sequence.padding > 0) {
    text += fmt::format(fmt::runtime(kLayerRow), "padding", "", "", "", "",
                        bytes_text(answer.sequence.padding));
  }
  return text +
         bold(fmt::format(fmt::runtime(kLayerRow), "all", "", "", "",
                          number(answer.bytes_per_token), bytes_text(answer.sequence.total())),
              color);
}

std::string spent_text(const PlanBytes& bytes) {
  const std::vector<std::pair<const char*, std::int64_t>> parts{
      {"keys and values", bytes.payload}, {"scales", bytes.scales},
      {"positions", bytes.positions},     {"scores", bytes.scores},
      {"balancer", bytes.balancer},       {"unused room", bytes.slack},
      {"padding", bytes.padding},         {"indexer", bytes.indexer},
      {"states", bytes.recurrent}};
  std::string text;
  for (const auto& [name, size] : parts) {
    const bool always = &name == &parts[0].first || &name == &parts[1].first;
    if (size == 0 && !always) continue;
    text += fmt::format("{}{} {} ({} %)", text.empty() ? "" : ", ", name, bytes_text(size),
                        percent_text(size, bytes.total()));
  }
  return text;
}

std::string request_text(const PlanAnswer& answer) {
  return fmt::format("{} bytes + {} bytes a token; at {} {} tokens a GiB",
                     number(std::round(answer.fixed_bytes)), number(answer.bytes_per_token),
                     count_text(answer.context, "token"),
                     number(std::floor(answer.tokens_per_gib)));
}

std::string total_text(const PlanAnswer& answer) {
  std::string text = fmt::format("{} bytes a sequence in all, {} by the paper's accounting",
                                 answer.sequence.total(), answer.sequence.paper());
  if (answer.peak_bytes) {
    text += fmt::format("; {} at most, while its prompt is stored", *answer.peak_bytes);
  }
  return text;
}

std::string rules_text(const PlanAnswer& answer) {
  std::string text;
  for (const std::string& rule : answer.rules) text += (text.empty() ? "" : "; ") + rule;
  return text;
}

std::string parallel_text(const ModelShape& model) {
  const Parallelism parallel = parallelism(model);
  std::string text = "tensor-parallel";
  for (std::size_t i = 0; i < parallel.sizes.size(); ++i) {
    text += fmt::format("{} {}", i == 0 ? "" : ",", parallel.sizes[i]);
  }
  if (parallel.replicated_above) {
    text += fmt::format("; KV heads are replicated above {}", *parallel.replicated_above);
  }
  if (parallel.whole_latents) text += "; latents are whole on every GPU";
  return text;
}

std::string workload_text(const PlanAnswer& answer) {
  return count_text(answer.sequences, "sequence") + " of " + count_text(answer.context, "token");
}

std::string fit_text(const PlanOptions& options, const PlanAnswer& answer) {
  const bool one = answer.sequences == 1;
  std::string text;
  if (!answer.fits()) {
    text = fmt::format("does not fit: {} need{} {}", workload_text(answer), one ? "s" : "",
                       bytes_text(answer.all.total()));
  } else {
    text = fmt::format("{} take{} {}, which leaves {}", workload_text(answer), one ? "s" : "",
                       bytes_text(answer.all.total()), bytes_text(*answer.headroom));
  }
  text += fmt::format("; at most {} ({:.2f}x), {}", *answer.max_sequences, *answer.max_concurrency,
                      count_text(*answer.tokens, "token"));
  if (answer.max_context) text += fmt::format("; the longest context is {}", *answer.max_context);
  if (options.instances() > 1) {
    text += fmt::format("; {} on {} instances",
                        count_text(*answer.max_sequences * options.instances(), "sequence"),
                        options.instances());
  }
  return text;
}

std::string context_table(const PlanAnswer& answer, bool color) {
  std::string text = bold(
      fmt::format(fmt::runtime(kContextRow), "context", "a sequence", "sequences", "tokens in all"),
      color);
  for (const ContextRow& row : answer.contexts) {
    const bool known = answer.kv_memory.has_value();
    text += fmt::format(fmt::runtime(kContextRow), row.context, bytes_text(row.sequence_bytes),
                        known ? std::to_string(row.max_sequences) : "-",
                        known ? std::to_string(row.max_sequences * row.context) : "-");
  }
  return text;
}

}  // namespace

std::string plan_table(const PlanOptions& options, const PlanRequest& request,
                       const PlanAnswer& answer, bool color) {
  std::string text = header(options, request, answer) + "\n" + layer_rows(answer, color) + "\n";
  text += field("request", request_text(answer));
  text += field("spent on", spent_text(answer.sequence));
  text += field("bytes", total_text(answer));
  text += field("rules", rules_text(answer));
  text += field("heads", parallel_text(request.model));
  if (answer.kv_memory) text += field("fits", fit_text(options, answer));
  if (!answer.contexts.empty()) text += "\n" + context_table(answer, color);
  return text;
}

std::string engines_table(const std::vector<EngineAnswer>& engines, bool color) {
  std::string text =
      bold(fmt::format(fmt::runtime(kEngineRow), "engine", "KV memory", "bytes/token", "a sequence",
                       "of first", "sequences", "tokens"),
           color);
  std::int64_t first = 0;
  std::string rules;
  for (const EngineAnswer& engine : engines) {
    if (!engine.refusal.empty()) {
      text += fmt::format("{:<9} no answer\n", engine.engine);
      rules += field(engine.engine, engine.refusal);
      continue;
    }
    const PlanAnswer& answer = engine.answer;
    if (first == 0) first = answer.sequence.total();
    text += fmt::format(fmt::runtime(kEngineRow), engine.engine,
                        answer.kv_memory ? bytes_text(*answer.kv_memory) : "-",
                        number(answer.bytes_per_token), bytes_text(answer.sequence.total()),
                        percent_text(answer.sequence.total(), first) + "%",
                        answer.max_sequences ? std::to_string(*answer.max_sequences) : "-",
                        answer.tokens ? std::to_string(*answer.tokens) : "-");
    std::string line = rules_text(answer);
    for (const auto& [name, value] : answer.settings) {
      if (name == "version") line = fmt::format("{} {}: {}", name, value, line);
    }
    rules += field(engine.engine, line);
  }
  return text + "\nWhy they differ\n" + rules;
}

}  // namespace mikv::tools
