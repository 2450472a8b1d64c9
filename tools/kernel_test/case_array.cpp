// SPDX-License-Identifier: Apache-2.0
#include "tools/kernel_test/case_array.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace mikv::kernel_test {
namespace {

// Rows begin at a multiple of this: kernels may load vectors.
constexpr std::int64_t kRowAlignment = 16;
// 2^32 elements of 4 bytes, and some: a 32-bit index neither fits nor comes back to 0.
constexpr std::int64_t kWideStride = (std::int64_t{1} << 34) + GuardedMemory::kAreaDistance;

constexpr std::byte kPoison{0xff};

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
      sequence_bytes_(size.heads * head_stride_ +
                      (layout == ArrayLayout::dense ? 0 : 3 * kRowAlignment)),
      sequence_stride_(layout == ArrayLayout::wide ? kWideStride : sequence_bytes_),
      writable_(std::move(writable)),
      areas_(layout == ArrayLayout::wide && present() ? size.sequences : 1),
      memory_(area_bytes(layout), areas_, kWideStride) {
  for (std::int64_t i = 0; i < size.sequences && present(); ++i) {
    std::ranges::fill(sequence(i), kPoison);
  }
  for (std::int64_t area = 0; area < areas_; ++area) {
    std::ranges::fill(memory_.front(area), kPoison);
    std::ranges::fill(memory_.behind(area), kPoison);
  }
}

std::int64_t CaseArray::area_bytes(ArrayLayout layout) const {
  if (!present()) return 0;
  return layout == ArrayLayout::wide ? sequence_bytes_ : size_.sequences * sequence_bytes_;
}

std::size_t CaseArray::offset(std::int64_t head, std::int64_t row) const {
  return static_cast<std::size_t>(head * head_stride_ + row * row_stride_);
}

std::span<std::byte> CaseArray::row(std::int64_t sequence_index, std::int64_t head,
                                    std::int64_t row) const {
  return sequence(sequence_index)
      .subspan(offset(head, row), static_cast<std::size_t>(size_.row_bytes));
}

mikv_array CaseArray::view(void* base) const {
  if (!present()) return {};
  return {.data = base,
          .sequence_stride = sequence_stride_,
          .head_stride = head_stride_,
          .row_stride = row_stride_};
}

void CaseArray::negate() {
  const std::size_t bytes = type_ == "F32" ? 4 : 2;
  for (std::int64_t i = 0; i < size_.sequences; ++i) {
    for (std::int64_t head = 0; head < size_.heads; ++head) {
      for (std::int64_t r = 0; r < size_.rows; ++r) {
        const std::span<std::byte> values = row(i, head, r);
        for (std::size_t at = bytes - 1; at < values.size(); at += bytes) {
          values[at] ^= std::byte{0x80};
        }
      }
    }
  }
}

void CaseArray::seal() {
  sealed_.clear();
  for (std::int64_t i = 0; i < size_.sequences; ++i) {
    sealed_.emplace_back(sequence(i).begin(), sequence(i).end());
  }
}

void CaseArray::restore() {
  for (std::int64_t i = 0; i < size_.sequences; ++i) {
    std::ranges::copy(sealed_[static_cast<std::size_t>(i)], sequence(i).begin());
  }
}

bool CaseArray::untouched(std::int64_t sequence, std::int64_t head, std::int64_t row_index) const {
  return std::ranges::equal(row(sequence, head, row_index),
                            sealed_values<std::byte>(sequence, head, row_index));
}

std::optional<std::string> CaseArray::damage() const {
  for (std::int64_t area = 0; area < areas_; ++area) {
    if (const auto damaged = surrounding_damage(area)) return damaged;
  }
  for (std::int64_t i = 0; i < size_.sequences; ++i) {
    if (const auto damaged = sequence_damage(i)) return damaged;
  }
  return std::nullopt;
}

std::optional<std::string> CaseArray::surrounding_damage(std::int64_t area) const {
  const auto is_damaged = [](std::byte byte) { return byte != kPoison; };
  const std::string where = areas_ == 1 ? "the array" : fmt::format("sequence {}", area);
  const std::span<const std::byte> front = memory_.front(area);
  const auto last = std::find_if(front.rbegin(), front.rend(), is_damaged);
  if (last != front.rend()) {
    return fmt::format("{}: byte {} before {} was overwritten", name_, last - front.rbegin() + 1,
                       where);
  }
  const std::span<const std::byte> behind = memory_.behind(area);
  const auto first = std::ranges::find_if(behind, is_damaged);
  if (first != behind.end()) {
    return fmt::format("{}: byte {} behind {} was overwritten", name_, first - behind.begin() + 1,
                       where);
  }
  return std::nullopt;
}

std::optional<std::string> CaseArray::sequence_damage(std::int64_t sequence_index) const {
  const std::span<const std::byte> now = sequence(sequence_index);
  const std::vector<std::byte>& before = sealed_[static_cast<std::size_t>(sequence_index)];
  std::size_t at = 0;
  const auto changed = [&](std::size_t end) -> std::optional<std::size_t> {
    for (; at < end; ++at) {
      if (now[at] != before[at]) return at;
    }
    return std::nullopt;
  };
  for (std::int64_t head = 0; head < size_.heads; ++head) {
    for (std::int64_t row = 0; row < size_.rows; ++row) {
      const std::size_t begin = offset(head, row);
      const std::size_t end = begin + static_cast<std::size_t>(size_.row_bytes);
      if (const auto byte = changed(begin)) {
        return fmt::format("{}: byte {} before row {} of sequence {}, head {} was overwritten",
                           name_, begin - *byte, row, sequence_index, head);
      }
      if (!is_output(sequence_index, head, row) && changed(end)) {
        return fmt::format("{}: row {} of sequence {}, head {} was overwritten; it is no output",
                           name_, row, sequence_index, head);
      }
      at = end;
    }
  }
  if (changed(now.size())) {
    return fmt::format("{}: a byte behind the last row of sequence {} was overwritten", name_,
                       sequence_index);
  }
  return std::nullopt;
}

}  // namespace mikv::kernel_test
