// SPDX-License-Identifier: Apache-2.0
#include "tools/kernel_test/case_array.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace mikv::kernel_test {
namespace {

// Rows begin at a multiple of this: kernels may load vectors.
constexpr std::int64_t kRowAlignment = 16;

std::int64_t round_up(std::int64_t size, std::int64_t multiple) {
  return (size + multiple - 1) / multiple * multiple;
}

}  // namespace

CaseArray::CaseArray(std::string name, std::string type, ArraySize size, ArrayLayout layout,
                     Writable writable)
    : name_(std::move(name)),
      type_(std::move(type)),
      size_(size),
      row_stride_(layout == ArrayLayout::dense
                      ? size.row_bytes
                      : round_up(size.row_bytes, kRowAlignment) + kRowAlignment),
      head_stride_(size.rows * row_stride_ +
                   (layout == ArrayLayout::dense ? 0 : 2 * kRowAlignment)),
      sequence_stride_(size.heads * head_stride_ +
                       (layout == ArrayLayout::dense ? 0 : 3 * kRowAlignment)),
      writable_(std::move(writable)),
      memory_(present() ? size.sequences * sequence_stride_ : 0) {
  std::ranges::fill(memory_.bytes(), std::byte{0xff});
}

std::size_t CaseArray::offset(std::int64_t sequence, std::int64_t head, std::int64_t row) const {
  return static_cast<std::size_t>(sequence * sequence_stride_ + head * head_stride_ +
                                  row * row_stride_);
}

std::span<std::byte> CaseArray::row(std::int64_t sequence, std::int64_t head,
                                    std::int64_t row) const {
  return memory_.bytes().subspan(offset(sequence, head, row),
                                 static_cast<std::size_t>(size_.row_bytes));
}

mikv_array CaseArray::view(void* base) const {
  if (!present()) return {};
  return {.data = base,
          .sequence_stride = sequence_stride_,
          .head_stride = head_stride_,
          .row_stride = row_stride_};
}

void CaseArray::seal() {
  sealed_.assign(memory_.bytes().begin(), memory_.bytes().end());
}

void CaseArray::restore() {
  std::ranges::copy(sealed_, memory_.bytes().begin());
}

bool CaseArray::untouched(std::int64_t sequence, std::int64_t head, std::int64_t row_index) const {
  const std::span<const std::byte> now = row(sequence, head, row_index);
  return std::equal(
      now.begin(), now.end(),
      sealed_.begin() + static_cast<std::ptrdiff_t>(offset(sequence, head, row_index)));
}

std::optional<std::string> CaseArray::damage() const {
  std::size_t at = 0;
  const auto changed = [&](std::size_t end) -> std::optional<std::size_t> {
    for (; at < end; ++at) {
      if (memory_.bytes()[at] != sealed_[at]) return at;
    }
    return std::nullopt;
  };
  for (std::int64_t sequence = 0; sequence < size_.sequences; ++sequence) {
    for (std::int64_t head = 0; head < size_.heads; ++head) {
      for (std::int64_t row = 0; row < size_.rows; ++row) {
        const std::size_t begin = offset(sequence, head, row);
        const std::size_t end = begin + static_cast<std::size_t>(size_.row_bytes);
        if (const auto byte = changed(begin)) {
          return fmt::format("{}: byte {} before row {} of sequence {}, head {} was overwritten",
                             name_, begin - *byte, row, sequence, head);
        }
        const bool may_change = writable_ && writable_(sequence, head, row);
        if (!may_change && changed(end)) {
          return fmt::format("{}: row {} of sequence {}, head {} was overwritten; it is an input",
                             name_, row, sequence, head);
        }
        at = end;
      }
    }
  }
  if (const auto byte = changed(memory_.bytes().size())) {
    return fmt::format("{}: a byte behind the last row was overwritten", name_);
  }
  return std::nullopt;
}

}  // namespace mikv::kernel_test
