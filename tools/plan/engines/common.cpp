// SPDX-License-Identifier: Apache-2.0
#include "tools/plan/engines/common.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/error.h"
#include "core/number_text.h"
#include "tools/plan/kv/token_bytes.h"

namespace mikv::tools {

std::int64_t needed_tokens(const LayerShape& shape, std::int64_t context) {
  return shape.window > 0 ? std::min(context, shape.window) : context;
}

std::int64_t dense_token_bytes(const StoredLayer& layer) {
  const VectorBytes token = *token_bytes(layer.shape, layer.dense);
  return token.payload + token.scales + indexer_bytes(layer.shape);
}

PlanBytes dense_bytes(const StoredLayer& layer, std::int64_t needed, std::int64_t room) {
  const VectorBytes token = *token_bytes(layer.shape, layer.dense);
  return {.payload = needed * token.payload,
          .scales = needed * token.scales,
          .indexer = needed * indexer_bytes(layer.shape),
          .slack = (room - needed) * dense_token_bytes(layer)};
}

PlanBytes state_bytes(const StoredLayer& layer) {
  return {.recurrent = recurrent_bytes(layer.shape, vector_bytes(layer.dense, 1)->payload)};
}

std::int64_t share_less_weights(const GpuBudget& budget, double share,
                                std::int64_t tensor_parallel) {
  const auto usable = static_cast<std::int64_t>(static_cast<double>(budget.memory) * share);
  return usable - ceil_div(budget.weights, tensor_parallel) - budget.other;
}

void require_formats(std::string_view engine, const std::vector<StoredLayer>& layers,
                     std::initializer_list<DenseFormat> formats) {
  for (const StoredLayer& layer : layers) {
    if (layer.shape.kind == LayerKind::recurrent) continue;
    const bool known =
        !layer.mikv && std::find(formats.begin(), formats.end(), layer.dense) != formats.end();
    if (known) continue;
    std::string names;
    for (const DenseFormat format : formats) {
      names.append(names.empty() ? "" : ", ").append(name(format));
    }
    throw UsageError("--kv", "'" + layer.kv + "' is no format of " + std::string(engine),
                     "use " + names + ", or --engine ideal");
  }
}

Release parse_release(const std::string& version) {
  const auto refuse = [&version] {
    throw UsageError("--engine-version", "'" + version + "' is no version", "write it as 0.10.2");
  };
  std::array<std::int64_t, 3> numbers{};
  std::size_t count = 0;
  const char* at = version.data() + (version.starts_with('v') ? 1 : 0);
  const char* end = version.data() + version.size();
  while (count < numbers.size()) {
    std::int64_t& number = numbers.at(count++);
    const auto [next, error] = std::from_chars(at, end, number);
    if (error != std::errc() || number < 0) refuse();
    at = next;
    if (at == end || *at != '.' || count == numbers.size()) break;
    ++at;
  }
  // A release candidate has its release's rules.
  const std::string_view rest(at, static_cast<std::size_t>(end - at));
  const bool candidate = rest.size() > 2 && rest.starts_with("rc") &&
                         rest.find_first_not_of("0123456789", 2) == std::string_view::npos;
  if (!rest.empty() && !candidate) refuse();
  return {numbers[0], numbers[1]};
}

void require_release(std::string_view engine, const std::string& version, const Release& oldest,
                     const Release& newest) {
  const Release release = parse_release(version);
  if (release >= oldest && release <= newest) return;
  const auto text = [](const Release& known) {
    return std::to_string(known.major) + "." + std::to_string(known.minor);
  };
  std::string known = text(oldest);
  if (newest > oldest) known += " to " + text(newest);
  throw UsageError(
      "--engine-version",
      "'" + version + "' is no version of " + std::string(engine) + " whose rules are known",
      "known: " + known + "; '--check-log' says whether they still hold");
}

std::string setting_text(double value) {
  return number_text(value);
}

}  // namespace mikv::tools
