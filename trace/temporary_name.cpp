// SPDX-License-Identifier: Apache-2.0
#include "trace/temporary_name.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <climits>
#include <cstdint>

namespace mikv::trace {
namespace {

enum class State : std::uint8_t { free, taken, ready };

// Static memory and lock-free flags: a handler may run between any two instructions.
struct Slot {
  std::atomic<State> state = State::free;
  std::array<char, PATH_MAX> path;
};
static_assert(std::atomic<State>::is_always_lock_free);

std::array<Slot, 8> slots;

}  // namespace

TemporaryName::TemporaryName(const std::string& path) : slot_(slots.size()) {
  if (path.size() >= PATH_MAX) return;  // no file can have it
  for (std::size_t i = 0; i < slots.size(); ++i) {
    State expected = State::free;
    if (!slots[i].state.compare_exchange_strong(expected, State::taken)) continue;
    std::copy_n(path.c_str(), path.size() + 1, slots[i].path.data());
    slots[i].state = State::ready;
    slot_ = i;
    return;
  }
}

TemporaryName::~TemporaryName() {
  if (slot_ < slots.size()) slots[slot_].state = State::free;
}

void remove_temporaries() noexcept {
  for (const Slot& slot : slots) {
    if (slot.state == State::ready) ::unlink(slot.path.data());
  }
}

}  // namespace mikv::trace
