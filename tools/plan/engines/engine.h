// SPDX-License-Identifier: Apache-2.0
// How inference engines lay out and size their KV caches: one file an engine.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/plan/bytes.h"
#include "tools/plan/engines/engine_options.h"
#include "tools/plan/kv/stored_layer.h"

namespace mikv::tools {

/// Sequences of one length that are held at the same time.
struct Workload {
  std::int64_t context = 0;  ///< tokens of each
  std::int64_t sequences = 1;
};

/// Memory of one GPU, in bytes, and what else of it is spoken for.
struct GpuBudget {
  std::int64_t memory = 0;
  std::int64_t weights = 0;      ///< of the whole model
  std::int64_t embedding = 0;    ///< of the token embedding, part of the weights
  std::int64_t hidden_size = 0;  ///< 0 = not known
  std::int64_t other = 0;        ///< what the user sets aside, a GPU
};

/// A rule's parameter and the value in force: {"page_size", "16"}.
using Setting = std::pair<std::string, std::string>;

/// An engine's rules for the layers of one GPU.
class Engine {
 public:
  explicit Engine(std::vector<StoredLayer> layers) : layers_(std::move(layers)) {}
  virtual ~Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  [[nodiscard]] const std::vector<StoredLayer>& layers() const { return layers_; }

  /// What one layer takes.
  [[nodiscard]] virtual PlanBytes layer_bytes(const StoredLayer& layer,
                                              const Workload& workload) const = 0;
  /// What the engine takes beyond its layers.
  [[nodiscard]] virtual std::int64_t padding(const Workload& /*workload*/) const { return 0; }
  /// Bytes for the KV cache on one GPU; negative if the rest does not fit.
  [[nodiscard]] virtual std::int64_t kv_memory(const GpuBudget& budget) const = 0;
  /// Sequences of this length, with a fraction.
  [[nodiscard]] virtual double concurrency(std::int64_t memory, std::int64_t context) const;
  /// The capacity in tokens, as the engine itself counts it.
  [[nodiscard]] virtual std::int64_t tokens(std::int64_t memory, std::int64_t context) const;
  /// What is in force: version, page size and so on.
  [[nodiscard]] virtual std::vector<Setting> settings() const = 0;
  /// In words, how its bytes differ from keys and values alone.
  [[nodiscard]] virtual std::vector<std::string> rules() const = 0;
  /// What a user should know of the options given.
  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }

  /// All layers and padding.
  [[nodiscard]] PlanBytes bytes(const Workload& workload) const;
  /// The most sequences of this length, at most limit.
  [[nodiscard]] std::int64_t max_sequences(std::int64_t memory, std::int64_t context,
                                           std::int64_t limit) const;
  /// The longest context for this many sequences, at most limit; 0 if not even one token fits.
  [[nodiscard]] std::int64_t max_context(std::int64_t memory, std::int64_t sequences,
                                         std::int64_t limit) const;

 protected:
  [[nodiscard]] bool has_window() const;
  /// Notes that the option, if it is given, changes nothing: no layer has a window.
  void note_without_windows(const std::optional<std::int64_t>& option, std::string_view name);

 private:
  std::vector<StoredLayer> layers_;
  std::vector<std::string> notes_;
};

/// A registered engine.
struct EngineInfo {
  std::string_view name;
  /// Names of formats as the engine means them.
  std::span<const std::pair<std::string_view, std::string_view>> aliases;
  /// Those that its rules take.
  std::span<const EngineOption> options;
  /// Throws UsageError for a version whose rules are not known; nullptr where it has no versions.
  void (*require_version)(const std::string& version);
  /// Throws UsageError for a format that the engine does not have.
  std::unique_ptr<Engine> (*make)(std::vector<StoredLayer> layers, const EngineOptions& options);
};

namespace engines {
extern const EngineInfo ideal;
extern const EngineInfo vllm;
extern const EngineInfo sglang;
extern const EngineInfo trtllm;
extern const EngineInfo llamacpp;
}  // namespace engines

/// All engines, ideal first.
[[nodiscard]] std::span<const EngineInfo* const> engine_list();
/// Throws UsageError.
[[nodiscard]] const EngineInfo& engine_info(std::string_view name);

}  // namespace mikv::tools
