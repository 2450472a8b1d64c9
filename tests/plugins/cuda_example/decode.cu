// SPDX-License-Identifier: Apache-2.0
// Attention over both tiers, a block a query head and sequence: 256 slots at a time, the softmax
// rescaled as its maximum grows. Free-form arithmetic in fp32, judged by an error bound.
#include <cmath>

#include "example.cuh"

namespace example {
namespace {

// A query head at work. Pointers are to shared memory.
struct Head {
  const mikv_decode_args& args;
  Place query_place;
  Place kv_place;
  float* query;     // as recorded: meets unquantized keys
  float* balanced;  // divided by the balancer: meets quantized keys
  float* output;    // sums of weight * value, not yet divided by the sum of weights
  float* weights;   // of the slots at hand
  float* scratch;   // kThreads
};

// Of all logits so far, which are in base 2.
struct Statistics {
  float max = -INFINITY;
  float sum = 0;
};

struct Sum {
  __device__ float operator()(float a, float b) const { return a + b; }
};

struct Larger {
  __device__ float operator()(float a, float b) const { return fmaxf(a, b); }
};

// Of one value a thread, the same for all threads.
template <typename Operation>
__device__ float reduce(float x, float* scratch, Operation operation) {
  scratch[threadIdx.x] = x;
  __syncthreads();
  for (unsigned half = kThreads / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) {
      scratch[threadIdx.x] = operation(scratch[threadIdx.x], scratch[threadIdx.x + half]);
    }
    __syncthreads();
  }
  const float result = scratch[0];
  __syncthreads();
  return result;
}

__device__ void load_query(const Head& head) {
  const mikv_shape& shape = head.args.shape;
  const void* query = row_of<void>(head.args.queries, head.query_place, 0);
  const float* factors = row_of<float>(head.args.balancer, head.kv_place, 0);
  for (std::int64_t c = threadIdx.x; c < shape.head_dim; c += kThreads) {
    head.query[c] = load_element(query, shape.element, c);
    head.balanced[c] = factors == nullptr ? head.query[c] : head.query[c] / factors[c];
    head.output[c] = 0;
  }
  __syncthreads();
}

__device__ float logit(const Head& head, const mikv_tier& tier, std::int64_t slot) {
  const mikv_shape& shape = head.args.shape;
  const float* query = code_bits(tier.format) == 0 ? head.query : head.balanced;
  const StoredRow key = key_row(tier, head.kv_place, slot);
  float dot = 0;
  for (std::int64_t c = 0; c < shape.head_dim; ++c) {
    dot += query[c] * load_stored(shape, tier.format, key.payload, key.params, c);
  }
  return static_cast<float>(shape.softmax_scale * 0x1.71547652b82fep+0) * dot;  // log2(e)
}

// Adds the values of count slots to an output that so far belongs to a smaller maximum.
__device__ void add_values(const Head& head, const mikv_tier& tier, std::int64_t first,
                           std::int64_t count, float rescale) {
  const mikv_shape& shape = head.args.shape;
  for (std::int64_t c = threadIdx.x; c < shape.head_dim; c += kThreads) {
    float sum = head.output[c] * rescale;
    for (std::int64_t j = 0; j < count; ++j) {
      const StoredRow value = value_row(tier, head.kv_place, first + j);
      sum += head.weights[j] * load_stored(shape, tier.format, value.payload, value.params, c);
    }
    head.output[c] = sum;
  }
}

__device__ void attend(const Head& head, const mikv_tier& tier, std::int64_t tokens,
                       const mikv_array& logits, Statistics& so_far) {
  float* shown = row_of<float>(logits, head.query_place, 0);
  for (std::int64_t first = 0; first < tokens; first += kThreads) {
    const std::int64_t slot = first + threadIdx.x;
    const bool taken = slot < tokens;
    const float s = taken ? logit(head, tier, slot) : -INFINITY;
    if (taken && shown != nullptr) shown[slot] = s;

    const float max = fmaxf(so_far.max, reduce(s, head.scratch, Larger()));
    const float weight = taken ? exp2f(s - max) : 0.0F;
    const float rescale = exp2f(so_far.max - max);
    head.weights[threadIdx.x] = weight;
    so_far.sum = so_far.sum * rescale + reduce(weight, head.scratch, Sum());
    so_far.max = max;
    add_values(head, tier, first, min(tokens - first, std::int64_t{kThreads}), rescale);
    __syncthreads();
  }
}

// In units of 2^-30. Query heads of a KV head add to the same scores; integers have no order.
__device__ void add_scores(const Head& head, std::int64_t tokens, Statistics row) {
  const mikv_tier& tier = head.args.importance;
  for (std::int64_t slot = threadIdx.x; slot < tokens; slot += kThreads) {
    const float weight = exp2f(logit(head, tier, slot) - row.max) / row.sum;
    atomicAdd(row_of<unsigned long long>(tier.scores, head.kv_place, slot),
              __float2ull_rn(weight * 0x1p30F));
  }
}

__device__ void store(const Head& head, Statistics row) {
  float* output = row_of<float>(head.args.outputs, head.query_place, 0);
  float* statistics = row_of<float>(head.args.statistics, head.query_place, 0);
  for (std::int64_t c = threadIdx.x; c < head.args.shape.head_dim; c += kThreads) {
    output[c] = head.output[c] / row.sum;
  }
  if (threadIdx.x == 0 && statistics != nullptr) {
    statistics[0] = row.max;
    statistics[1] = row.sum;
  }
}

// Arrays of host memory inside args are not for the device.
__global__ void decode_kernel(mikv_decode_args args, const std::int64_t* importance_tokens,
                              const std::int64_t* retained_tokens) {
  extern __shared__ float shared[];
  const mikv_shape& shape = args.shape;
  const std::int64_t sequence = blockIdx.y;
  const std::int64_t query_head = blockIdx.x;
  const std::int64_t kv_head = query_head / (shape.query_heads / shape.kv_heads);
  float* const channels = shared + 2 * kThreads;
  const Head head{args,     {sequence, query_head},    {sequence, kv_head},
                  channels, channels + shape.head_dim, channels + 2 * shape.head_dim,
                  shared,   shared + kThreads};
  load_query(head);
  Statistics row;
  attend(head, args.importance, importance_tokens[sequence], args.importance_logits, row);
  attend(head, args.retained, retained_tokens[sequence], args.retained_logits, row);
  store(head, row);
  if (args.update_scores != 0) add_scores(head, importance_tokens[sequence], row);
}

}  // namespace

mikv_status decode(const mikv_decode_args* args, void* stream) {
  const mikv_shape& shape = args->shape;
  const mikv_status status = check(shape, args->importance, &args->retained);
  if (status != MIKV_OK) return status;
  const auto queue = static_cast<cudaStream_t>(stream);
  const DeviceNumbers importance(tokens_of(args->importance), shape.sequences, queue);
  const DeviceNumbers retained(tokens_of(args->retained), shape.sequences, queue);
  if (importance.data() == nullptr || retained.data() == nullptr) return launch_status();
  const dim3 grid(static_cast<unsigned>(shape.query_heads), static_cast<unsigned>(shape.sequences));
  const std::size_t floats = 2 * kThreads + 3 * static_cast<std::size_t>(shape.head_dim);
  decode_kernel<<<grid, kThreads, floats * sizeof(float), queue>>>(*args, importance.data(),
                                                                   retained.data());
  return launch_status();
}

}  // namespace example
