// SPDX-License-Identifier: Apache-2.0
#include "core/stage.h"

namespace mikv {
namespace {

constexpr std::array<Stage, kStages> kInOrder{
    Stage::balancer,          Stage::alpha,          Stage::beta,     Stage::codes,
    Stage::importance_scores, Stage::importance_set, Stage::partials, Stage::output,
};

}  // namespace

std::string_view name(Stage stage) {
  switch (stage) {
    case Stage::balancer:
      return "balancer";
    case Stage::alpha:
      return "alpha";
    case Stage::beta:
      return "beta";
    case Stage::codes:
      return "codes";
    case Stage::importance_scores:
      return "importance_scores";
    case Stage::importance_set:
      return "importance_set";
    case Stage::partials:
      return "partials";
    case Stage::output:
      return "output";
  }
  return "";
}

std::span<const Stage, kStages> stages() {
  return kInOrder;
}

}  // namespace mikv
