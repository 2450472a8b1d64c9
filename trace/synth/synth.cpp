// SPDX-License-Identifier: Apache-2.0
#include "trace/synth/synth.h"

#include <filesystem>
#include <memory>
#include <vector>

#include "core/error.h"
#include "trace/link_target.h"
#include "trace/synth/fixed_point.h"
#include "trace/synth/profile.h"

namespace mikv::trace::synth {
namespace {

// Bytes that are written at once, or a row if that is longer.
constexpr std::size_t kBlockBytes = std::size_t{1} << 20;

// normal() has a standard deviation of 53509.88; times this it is 1 in 32 fraction bits.
constexpr std::int64_t kNormalGain = 80265;

class Synthesizer {
 public:
  Synthesizer(const SynthSpec& spec, const HeadProgress& progress)
      : spec_(spec),
        profile_(find_profile(spec.profile)),
        progress_(progress),
        channels_(static_cast<std::size_t>(spec.shape.head_dim)),
        mean_(channels_),
        noise_(channels_) {
    rows_.reserve(kBlockBytes / sizeof(rows_[0]) + channels_);
  }

  void write(SafetensorsWriter& writer) {
    for (std::int64_t layer = 0; layer < spec_.layers; ++layer) {
      for (const Purpose tensor : {Purpose::q, Purpose::k, Purpose::v}) {
        const std::int64_t heads =
            tensor == Purpose::q ? spec_.shape.query_heads : spec_.shape.kv_heads;
        for (std::int64_t head = 0; head < heads; ++head) {
          write_head(writer, {.seed = spec_.seed,
                              .shape = spec_.shape,
                              .layer = layer,
                              .tensor = tensor,
                              .head = head});
        }
      }
    }
  }

 private:
  void write_head(SafetensorsWriter& writer, const HeadId& id) {
    const std::unique_ptr<HeadModel> model = profile_.make(id);
    const CounterRandom random(id.seed, id.layer, id.tensor, id.head);
    for (std::int64_t token = 0; token < spec_.tokens(); ++token) {
      model->row(token, mean_, noise_);
      const std::uint64_t first = static_cast<std::uint64_t>(token) * channels_;
      if (spec_.element == ElementType::f16) {
        append_row<round_to_fp16>(random, first);
      } else {
        append_row<round_to_bf16>(random, first);
      }
      if (rows_.size() * sizeof(rows_[0]) >= kBlockBytes) flush(writer);
    }
    flush(writer);
    ++done_;
    const std::int64_t heads = spec_.shape.query_heads + 2 * spec_.shape.kv_heads;
    if (progress_) progress_(done_, spec_.layers * heads);
  }

  template <auto round>
  void append_row(const CounterRandom& random, std::uint64_t first) {
    const std::size_t begin = rows_.size();
    rows_.resize(begin + channels_);
    for (std::size_t c = 0; c < channels_; ++c) {
      const std::int64_t value =
          random.normal(first + c) * kNormalGain * noise_[c] + mean_[c] * (std::int64_t{1} << 32);
      rows_[begin + c] = round(value);
    }
  }

  void flush(SafetensorsWriter& writer) {
    writer.write(std::as_bytes(std::span(rows_)));
    rows_.clear();
  }

  const SynthSpec& spec_;
  const Profile& profile_;
  const HeadProgress& progress_;
  std::int64_t done_ = 0;
  std::size_t channels_;
  std::vector<std::int64_t> mean_;
  std::vector<std::int64_t> noise_;
  std::vector<std::uint16_t> rows_;
};

// Not to be found out when hours later the disk is full.
void require_space(const std::string& path, std::uint64_t bytes) {
  std::filesystem::path folder = std::filesystem::path(link_target(path)).parent_path();
  if (folder.empty()) folder = ".";
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(folder, error);
  if (error || space.available >= bytes) return;
  throw InputError(path, "",
                   "takes " + std::to_string(bytes) + " bytes where " +
                       std::to_string(space.available) + " are free",
                   "make a smaller trace, or free some space");
}

}  // namespace

void synthesize(const SynthSpec& spec, const std::string& path, const HeadProgress& progress) {
  const std::uint64_t bytes = checked_bytes(spec);
  SafetensorsWriter writer(path, metadata(spec), tensors(spec));
  require_space(path, bytes);
  Synthesizer(spec, progress).write(writer);
  writer.commit();
}

}  // namespace mikv::trace::synth
