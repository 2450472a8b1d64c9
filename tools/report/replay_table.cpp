// SPDX-License-Identifier: Apache-2.0
#include "tools/report/replay_table.h"

#include <fmt/format.h>

#include "core/error.h"
#include "tools/report/number_text.h"
#include "tools/support/terminal.h"

namespace mikv::tools {
namespace {

constexpr const char* kRow = "{:>5} {:>9} {:>8} {:>8} {:>5} {:>5} {:>6} {:>6} {:>6} {:>6} {:>6}\n";

// The policy and those of its settings that it uses.
std::string policy_text(const CacheConfig& config) {
  std::string text(name(config.policy));
  const auto policy = info(config.policy).make({});
  constexpr std::int64_t kBudget = 1000;
  if (policy->recent_tokens(kBudget, 0) != policy->recent_tokens(kBudget, 1)) {
    text += fmt::format(", recent share {}", config.recent_share);
  }
  if (config.policy == Policy::random) text += fmt::format(", seed {}", config.seed);
  return text;
}

std::string header_lines(const trace::TraceReader& reader, const CacheConfig& config) {
  const trace::TraceHeader& header = reader.header();
  std::string text = fmt::format(
      "trace    {}: {}, {} of {} layers\n"
      "         {} query / {} KV heads, head_dim {}, {}; {} prompt + {} decode tokens\n",
      escape(reader.path()), escape(header.model), reader.layers().size(), header.num_layers,
      header.shape.query_heads, header.shape.kv_heads, header.shape.head_dim,
      element_name(reader.index().element), header.prompt_length, header.decode_length);
  text += fmt::format(
      "setting  importance {} of tokens in {}, the others in {}\n"
      "         groups of {}, balancer {}, policy {}\n",
      config.importance_ratio, importance_format_name(config.formats.importance),
      name(config.formats.retained), config.group_size.value_or(header.shape.head_dim / 2),
      config.balancer ? "on" : "off", policy_text(config));
  if (!config.plan.empty()) text += fmt::format("         by layer: {}\n", to_string(config.plan));
  return text;
}

std::string row(const std::string& label, const CacheFigures& figures) {
  const std::optional<double> bits = figures.bits_per_element();
  return fmt::format(
      fmt::runtime(kRow), label, figures.importance_tokens, figures.retained_tokens,
      bytes_text(figures.bytes.total()),
      percent_text(figures.bytes.total(), figures.full_cache_bytes),
      bits ? fmt::format("{:.2f}", *bits) : "-", error_text(figures.key_error.relative()),
      error_text(figures.value_error.relative()), error_text(figures.output_error.relative()),
      error_text(figures.attention_kl.mean()), error_text(figures.kernel_error.relative()));
}

std::string totals_line(const CacheFigures& total) {
  return fmt::format(
      "bytes    {} in all, {} by the paper's accounting ({} % of the full cache's {})\n"
      "         {} at most during the replay, {} of it unused page capacity at the end\n",
      bytes_text(total.bytes.total()), bytes_text(total.bytes.paper()),
      percent_text(total.bytes.paper(), total.full_cache_bytes), bytes_text(total.full_cache_bytes),
      bytes_text(total.bytes.peak()), bytes_text(total.bytes.current(ByteCategory::slack)));
}

}  // namespace

std::string replay_table(const trace::TraceReader& reader, const CacheConfig& config,
                         const ReplayResult& result, bool color) {
  std::string text = header_lines(reader, config) + "\n";
  text += bold(fmt::format(fmt::runtime(kRow), "", "important", "retained", "bytes", "% of",
                           "bits/", "key", "value", "output", "attn.", "kernel"),
               color);
  text += bold(fmt::format(fmt::runtime(kRow), "layer", "tokens", "tokens", "held", "full", "elem.",
                           "error", "error", "error", "KL", "error"),
               color);
  for (const LayerReport& layer : result.layers) {
    text += row(std::to_string(layer.layer), layer.figures);
  }
  text += bold(row("all", result.total), color);
  return text + "\n" + totals_line(result.total);
}

}  // namespace mikv::tools
