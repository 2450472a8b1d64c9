// SPDX-License-Identifier: Apache-2.0
// Times the device's attention, compression and prefill scores on generated data, and checks a KV
// head's bits against the CPU reference first. One line of JSON; tools/gpu/benchmark.py runs it
// beside named alternatives.
#include <cuda_runtime_api.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstring>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>
#include <vector>

#include "core/error.h"
#include "core/layer_plan.h"
#include "cuda/batch_cache.h"
#include "cuda/devices.h"
#include "cuda/launch.h"
#include "reference/arith.h"
#include "tools/replay/cpu_head.h"

namespace mikv::tools {
namespace {

struct Options {
  int sequences = 16;
  int query_heads = 32;
  int kv_heads = 32;
  std::int64_t tokens = 32768;
  std::int64_t head_dim = 128;
  double ratio = 0.2;
  std::string importance = "native";
  std::string retained = "int2";
  std::string what = "decode";
  int copies = 1;   // caches that a graph rotates over
  int calls = 20;   // in a graph
  int replays = 9;  // of which the median counts
};

// Device memory of recorded tensors.
class DeviceTensor {
 public:
  // Every head is the same generated head, at an address of its own.
  DeviceTensor(std::int64_t heads, const std::vector<std::uint16_t>& head) {
    const std::size_t head_bytes = head.size() * sizeof(std::uint16_t);
    cuda::check(cudaMalloc(&data_, static_cast<std::size_t>(heads) * head_bytes), "allocating");
    for (std::int64_t h = 0; h < heads; ++h) {
      std::byte* to = static_cast<std::byte*>(data_) + h * static_cast<std::int64_t>(head_bytes);
      cuda::check(cudaMemcpy(to, head.data(), head_bytes, cudaMemcpyHostToDevice), "copying");
    }
  }
  ~DeviceTensor() { cudaFree(data_); }
  DeviceTensor(const DeviceTensor&) = delete;
  DeviceTensor& operator=(const DeviceTensor&) = delete;
  [[nodiscard]] const std::byte* data() const { return static_cast<const std::byte*>(data_); }

 private:
  void* data_ = nullptr;
};

std::vector<std::uint16_t> random_head(std::int64_t values, std::uint32_t seed, float scale) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<std::uint16_t> head(static_cast<std::size_t>(values));
  for (std::uint16_t& x : head) x = reference::to_half(scale * normal(random));
  return head;
}

LayerConfig config_of(const Options& options) {
  CacheConfig config;
  config.importance_ratio = options.ratio;
  config.formats = {parse_importance_format(options.importance),
                    parse_retained_format(options.retained)};
  config.policy = options.what == "scores" ? Policy::h2o : Policy::recent_sinks;
  return resolve(config, {options.query_heads, options.kv_heads, options.head_dim},
                 ElementType::f16, 0);
}

LayerView view_of(const Options& options, const std::byte* q, const std::byte* k,
                  const std::byte* v) {
  const auto tensor = [&](const std::byte* data, std::int64_t heads) {
    return TensorView{data, ElementType::f16, heads, options.tokens, options.head_dim};
  };
  return {.layer = 0,
          .shape = {options.query_heads, options.kv_heads, options.head_dim},
          .prompt_length = options.tokens - 1,
          .softmax_scale = 1.0 / std::sqrt(static_cast<double>(options.head_dim)),
          .q = tensor(q, options.query_heads),
          .k = tensor(k, options.kv_heads),
          .v = tensor(v, options.kv_heads),
          .o = std::nullopt};
}

struct Heads {
  std::vector<std::uint16_t> q;
  std::vector<std::uint16_t> k;
  std::vector<std::uint16_t> v;
};

// The outputs of one KV head's query heads, as the reference computes them.
class OutputStream final : public StageObserver {
 public:
  void observe(Stage stage, std::span<const std::byte> values) override {
    if (stage == Stage::output) bytes_.insert(bytes_.end(), values.begin(), values.end());
  }
  [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

void require_same_bits(const Options& options, const Heads& heads, const cuda::LayerRun& run) {
  Options one = options;
  one.kv_heads = 1;
  one.query_heads = options.query_heads / options.kv_heads;
  std::vector<std::uint16_t> q;
  for (int h = 0; h < one.query_heads; ++h) q.insert(q.end(), heads.q.begin(), heads.q.end());
  const auto bytes = [](const std::vector<std::uint16_t>& x) {
    return reinterpret_cast<const std::byte*>(x.data());
  };
  const LayerView layer = view_of(one, bytes(q), bytes(heads.k), bytes(heads.v));
  OutputStream expected;
  (void)run_on_cpu(layer, 0, config_of(one), expected);
  for (const cuda::SequenceRun& sequence : run.sequences) {
    for (const cuda::HeadRun& head : sequence.heads) {
      const auto& output = head.streams.at(static_cast<std::size_t>(Stage::output));
      if (!std::equal(output.begin(), output.end(), expected.bytes().begin(),
                      expected.bytes().end())) {
        throw InternalError("the device's output differs from the reference's: nothing was timed");
      }
    }
  }
}

class Timer {
 public:
  explicit Timer(cudaStream_t queue) : queue_(queue) {
    cuda::check(cudaEventCreate(&begin_), "creating an event");
    cuda::check(cudaEventCreate(&end_), "creating an event");
  }
  ~Timer() {
    cudaEventDestroy(begin_);
    cudaEventDestroy(end_);
  }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Microseconds.
  template <typename Work>
  double time(const Work& work) {
    cuda::check(cudaEventRecord(begin_, queue_), "recording an event");
    work();
    cuda::check(cudaEventRecord(end_, queue_), "recording an event");
    cuda::check(cudaEventSynchronize(end_), "waiting");
    float milliseconds = 0;
    cuda::check(cudaEventElapsedTime(&milliseconds, begin_, end_), "reading a timer");
    return 1e3 * static_cast<double>(milliseconds);
  }

 private:
  cudaStream_t queue_;
  cudaEvent_t begin_ = nullptr;
  cudaEvent_t end_ = nullptr;
};

double median(std::vector<double> x) {
  std::sort(x.begin(), x.end());
  return x[x.size() / 2];
}

class Benchmark {
 public:
  explicit Benchmark(const Options& options)
      : options_(options),
        config_(config_of(options)),
        heads_{random_head(options.tokens * options.head_dim, 1, 1),
               random_head(options.tokens * options.head_dim, 2, 1),
               random_head(options.tokens * options.head_dim, 3, 1)},
        q_(options.query_heads, heads_.q),
        k_(options.kv_heads, heads_.k),
        v_(options.kv_heads, heads_.v),
        layers_(static_cast<std::size_t>(options.sequences),
                view_of(options, q_.data(), k_.data(), v_.data())) {}

  nlohmann::json run() {
    if (options_.what == "compress") return compress();
    if (options_.what == "scores") return scores();
    return decode();
  }

 private:
  std::unique_ptr<cuda::BatchCache> filled() {
    auto cache = std::make_unique<cuda::BatchCache>(layers_, config_, queue_, false);
    cache->balance();
    cache->store_prompt();
    cache->append(0);
    return cache;
  }

  nlohmann::json decode() {
    std::vector<std::unique_ptr<cuda::BatchCache>> caches;
    caches.reserve(static_cast<std::size_t>(options_.copies));
    for (int i = 0; i < options_.copies; ++i) caches.push_back(filled());
    caches.front()->attend(0);
    const std::int64_t held = caches.front()->held();
    require_same_bits(options_, heads_, caches.front()->finish());

    cudaGraph_t graph = nullptr;
    cudaGraphExec_t executable = nullptr;
    cuda::check(cudaStreamBeginCapture(queue_.get(), cudaStreamCaptureModeThreadLocal),
                "capturing");
    for (int i = 0; i < options_.calls; ++i) {
      caches[static_cast<std::size_t>(i % options_.copies)]->attend(0);
    }
    cuda::check(cudaStreamEndCapture(queue_.get(), &graph), "capturing");
    cuda::check(cudaGraphInstantiate(&executable, graph, 0), "instantiating a graph");
    Timer timer(queue_.get());
    std::vector<double> times;
    for (int i = 0; i <= options_.replays; ++i) {
      const double time = timer.time(
          [&] { cuda::check(cudaGraphLaunch(executable, queue_.get()), "launching a graph"); });
      if (i > 0) times.push_back(time / options_.calls);
    }
    cuda::check(cudaGraphExecDestroy(executable), "destroying a graph");
    cuda::check(cudaGraphDestroy(graph), "destroying a graph");
    return {{"microseconds", median(times)}, {"cache_bytes", held}};
  }

  nlohmann::json compress() {
    std::vector<double> times;
    for (int i = 0; i <= options_.replays; ++i) {
      cuda::BatchCache cache(layers_, config_, queue_, false);
      Timer timer(queue_.get());
      const double time = timer.time([&] {
        cache.balance();
        cache.store_prompt();
      });
      if (i > 0) times.push_back(time);
    }
    // each recorded tensor once
    const double heads = 2.0 * options_.kv_heads + options_.query_heads;
    const double bytes = heads * options_.sequences *
                         static_cast<double>((options_.tokens - 1) * options_.head_dim) * 2;
    return {{"microseconds", median(times)}, {"recorded_bytes", bytes}};
  }

  nlohmann::json scores() {
    std::vector<double> times;
    for (int i = 0; i <= options_.replays; ++i) {
      cuda::BatchCache cache(layers_, config_, queue_, false);
      Timer timer(queue_.get());
      const double time = timer.time([&] { cache.score_prompt(); });
      if (i > 0) times.push_back(time);
    }
    const auto rows = static_cast<double>(options_.tokens - 1);
    const double flops = options_.sequences * options_.query_heads * (rows * (rows + 1) / 2) * 2 *
                         static_cast<double>(options_.head_dim);
    return {{"microseconds", median(times)}, {"flops", flops}};
  }

  Options options_;
  LayerConfig config_;
  Heads heads_;
  cuda::Queue queue_;
  DeviceTensor q_;
  DeviceTensor k_;
  DeviceTensor v_;
  std::vector<LayerView> layers_;
};

int run(int argc, char** argv) {
  Options options;
  CLI::App app("Times the CUDA back end on generated fp16 data");
  app.add_option("WHAT", options.what, "decode, compress or scores")->required();
  app.add_option("--sequences", options.sequences);
  app.add_option("--query-heads", options.query_heads);
  app.add_option("--kv-heads", options.kv_heads);
  app.add_option("--tokens", options.tokens);
  app.add_option("--head-dim", options.head_dim);
  app.add_option("--importance-ratio", options.ratio);
  app.add_option("--importance-format", options.importance);
  app.add_option("--retained-format", options.retained);
  app.add_option("--copies", options.copies, "caches that the calls rotate over");
  app.add_option("--calls", options.calls, "calls in a CUDA graph");
  app.add_option("--replays", options.replays, "timed replays; the median counts");
  CLI11_PARSE(app, argc, argv);
  try {
    const cuda::Device device = cuda::use_device(0);
    nlohmann::json result = Benchmark(options).run();
    result["device"] = device.name;
    std::cout << result.dump() << "\n";
    return 0;
  } catch (const Error& error) {
    std::cerr << "mikv_gpu_benchmark: " << error.what() << "\n";
    return static_cast<int>(error.exit_code());
  } catch (const std::exception& error) {
    std::cerr << "mikv_gpu_benchmark: " << error.what() << "\n";
    return static_cast<int>(ExitCode::internal);
  }
}

}  // namespace
}  // namespace mikv::tools

int main(int argc, char** argv) {
  return mikv::tools::run(argc, argv);
}
