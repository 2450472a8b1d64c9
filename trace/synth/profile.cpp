// SPDX-License-Identifier: Apache-2.0
#include "trace/synth/profile.h"

#include <array>

#include "core/error.h"

namespace mikv::trace::synth {
namespace {

constexpr std::array kProfiles{
    Profile{.name = "gaussian", .make = make_gaussian},
    Profile{.name = "llama-like", .make = make_llama_like},
};

}  // namespace

std::span<const Profile> profiles() {
  return kProfiles;
}

const Profile& find_profile(std::string_view name) {
  for (const Profile& profile : kProfiles) {
    if (profile.name == name) return profile;
  }
  throw UsageError("--profile", "'" + std::string(name) + "' is no profile",
                   "give one of " + profile_names());
}

std::string profile_names() {
  std::string names;
  for (const Profile& profile : kProfiles) {
    names.append(names.empty() ? "" : ", ").append(profile.name);
  }
  return names;
}

}  // namespace mikv::trace::synth
