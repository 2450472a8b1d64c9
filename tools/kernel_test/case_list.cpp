// SPDX-License-Identifier: Apache-2.0
#include "tools/kernel_test/case_list.h"

#include <algorithm>
#include <array>
#include <optional>

#include "core/tier_plan.h"
#include "trace/synth/counter_random.h"

namespace mikv::kernel_test {
namespace {

constexpr std::array<AttentionShape, 9> kShapes{{{8, 2, 64},
                                                 {4, 4, 128},
                                                 {14, 2, 64},
                                                 {16, 1, 80},
                                                 {2, 1, 256},
                                                 {6, 2, 96},
                                                 {4, 2, 112},
                                                 {3, 3, 40},
                                                 {2, 2, 192}}};
// Edges of pages (64), chunks (256), and what comes after them.
constexpr std::array<std::int64_t, 12> kTokens{2, 3, 17, 63, 64, 65, 255, 256, 257, 320, 513, 1025};
constexpr std::array<StorageFormat, 5> kRetained{StorageFormat::int2, StorageFormat::int3,
                                                 StorageFormat::int4, StorageFormat::int8,
                                                 StorageFormat::none};
constexpr std::array<double, 5> kRatios{0, 0.05, 0.2, 0.5, 1};
constexpr std::array<ElementType, 3> kElements{ElementType::f16, ElementType::bf16,
                                               ElementType::f32};
constexpr std::array<Pattern, 9> kPatterns{Pattern::normal,    Pattern::scales,   Pattern::constant,
                                           Pattern::ties,      Pattern::outliers, Pattern::large,
                                           Pattern::subnormal, Pattern::peaked,   Pattern::sink};
constexpr int kMixed = 16;  // of each operation

// An outlier channel of the balancer would move values off their ties.
void fit(CaseSpec& spec) {
  spec.group_size = default_group_size(spec.shape.head_dim);
  if (spec.pattern == Pattern::ties) spec.balancer = false;
  if (spec.pattern == Pattern::large && spec.element == ElementType::bf16) {
    spec.element = ElementType::f16;
  }
}

class CaseList {
 public:
  explicit CaseList(std::uint64_t seed) : seed_(seed) {}

  std::vector<CaseSpec> all() {
    for (const Operation operation : operations()) {
      vary_one_at_a_time(operation);
      for (int i = 0; i < kMixed; ++i) add(mixed(operation, i));
    }
    return cases_;
  }

 private:
  CaseSpec base(Operation operation) const {
    CaseSpec spec;
    spec.operation = operation;
    spec.tokens = 150;
    spec.sequences = 2;
    spec.seed = seed_;
    return spec;
  }

  void add(CaseSpec spec) {
    fit(spec);
    if (!has_work(spec) || std::ranges::find(cases_, spec) != cases_.end()) return;
    cases_.push_back(spec);
  }

  template <typename Change>
  void add_changed(Operation operation, const Change& change) {
    CaseSpec spec = base(operation);
    change(spec);
    add(spec);
  }

  void vary_one_at_a_time(Operation operation) {
    for (const AttentionShape& shape : kShapes) {
      add_changed(operation, [&](CaseSpec& spec) { spec.shape = shape; });
    }
    for (const std::int64_t tokens : kTokens) {
      add_changed(operation, [&](CaseSpec& spec) {
        spec.tokens = tokens;
        spec.sequences = 1;
      });
    }
    for (const StorageFormat format : kRetained) {
      add_changed(operation, [&](CaseSpec& spec) { spec.retained_format = format; });
    }
    for (const StorageFormat format : {StorageFormat::int8, StorageFormat::int4}) {
      add_changed(operation, [&](CaseSpec& spec) { spec.importance_format = format; });
    }
    for (const double ratio : kRatios) {
      add_changed(operation, [&](CaseSpec& spec) { spec.importance_ratio = ratio; });
    }
    for (const ElementType element : kElements) {
      add_changed(operation, [&](CaseSpec& spec) { set_element(spec, element); });
    }
    for (const Pattern pattern : kPatterns) {
      for (const StorageFormat importance : {StorageFormat::fp16, StorageFormat::int8}) {
        add_changed(operation, [&](CaseSpec& spec) {
          spec.pattern = pattern;
          spec.importance_format = importance;
        });
      }
    }
    for (const StorageFormat importance : {StorageFormat::fp32, StorageFormat::int4}) {
      add_changed(operation, [&](CaseSpec& spec) {
        spec.element = ElementType::f32;
        spec.pattern = Pattern::large;
        spec.importance_format = importance;
      });
    }
    add_changed(operation, [](CaseSpec& spec) { spec.sequences = 5; });
    add_changed(operation, [](CaseSpec& spec) { spec.layout = ArrayLayout::dense; });
    add_changed(operation, [](CaseSpec& spec) {
      spec.layout = ArrayLayout::wide;
      spec.tokens = 40;
    });
    add_changed(operation, [](CaseSpec& spec) { spec.balancer = false; });
  }

  static void set_element(CaseSpec& spec, ElementType element) {
    spec.element = element;
    if (!info(spec.importance_format).quantized) spec.importance_format = native_format(element);
  }

  // All dimensions drawn at once.
  CaseSpec mixed(Operation operation, int number) const {
    const trace::synth::CounterRandom random(seed_, number, trace::synth::Purpose::q,
                                             static_cast<std::int64_t>(operation));
    std::uint64_t drawn = 0;
    const auto draw = [&](const auto& list) {
      return list[static_cast<std::size_t>(random.word(drawn++) % list.size())];
    };
    CaseSpec spec = base(operation);
    spec.shape = draw(kShapes);
    spec.tokens = draw(kTokens);
    spec.retained_format = draw(kRetained);
    spec.importance_ratio = draw(kRatios);
    spec.importance_format = draw(std::array{StorageFormat::fp16, StorageFormat::fp16,
                                             StorageFormat::int8, StorageFormat::int4});
    set_element(spec, draw(kElements));
    spec.pattern = draw(std::array{Pattern::normal, Pattern::scales, Pattern::outliers});
    spec.sequences = draw(std::array<std::int64_t, 3>{1, 2, 3});
    spec.seed = seed_ + static_cast<std::uint64_t>(number) + 1;
    return spec;
  }

  std::uint64_t seed_;
  std::vector<CaseSpec> cases_;
};

}  // namespace

bool has_work(const CaseSpec& spec) {
  const bool retained = info(spec.retained_format).quantized;
  const bool importance = info(spec.importance_format).quantized;
  if (spec.operation == Operation::dequantize) {
    const std::int64_t stored = spec.tokens - 1;  // the newest token is important
    const std::int64_t important = importance_budget(spec.importance_ratio, stored);
    return retained ? important < stored : importance && important > 0;
  }
  if (spec.operation == Operation::append && spec.pattern == Pattern::ties) return importance;
  if (spec.operation == Operation::demote && spec.pattern == Pattern::ties)
    return retained && !importance;
  if (spec.operation == Operation::decode && spec.pattern == Pattern::large) {
    return spec.element == ElementType::f16;  // what low precision holds
  }
  if (spec.operation == Operation::decode && spec.pattern == Pattern::subnormal) {
    return spec.element != ElementType::bf16;
  }
  return true;
}

std::int64_t default_group_size(std::int64_t head_dim) {
  return head_dim / 2 % 8 == 0 ? head_dim / 2 : 8;
}

std::vector<CaseSpec> default_cases(std::uint64_t seed) {
  return CaseList(seed).all();
}

std::vector<CaseSpec> small_cases(std::uint64_t seed) {
  std::vector<CaseSpec> small;
  for (CaseSpec spec : default_cases(seed)) {
    spec.layout = ArrayLayout::dense;
    const bool short_enough = spec.tokens == 17 || (spec.tokens == 150 && spec.sequences == 2);
    const bool plain = spec.pattern == Pattern::normal || spec.pattern == Pattern::outliers;
    if (spec.shape != kShapes.front() || spec.seed != seed || !short_enough || !plain) continue;
    if (std::ranges::find(small, spec) == small.end()) small.push_back(spec);
  }
  return small;
}

}  // namespace mikv::kernel_test
