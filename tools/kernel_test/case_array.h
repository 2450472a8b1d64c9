// SPDX-License-Identifier: Apache-2.0
// An array of the plug-in interface (core/mikv.h) with everything around it watched.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/mikv.h"
#include "tools/kernel_test/guarded_memory.h"

namespace mikv::kernel_test {

/// dense: no gaps. padded: gaps after rows, heads and sequences, each of its own size. wide: as
/// padded, and more than 2^32 elements from one sequence to the next.
enum class ArrayLayout : std::uint8_t { dense, padded, wide };

/// Whether a kernel may write a row (sequence, head, row). Empty: no row.
using Writable = std::function<bool(std::int64_t, std::int64_t, std::int64_t)>;

inline bool every_row(std::int64_t /*sequence*/, std::int64_t /*head*/, std::int64_t /*row*/) {
  return true;
}

struct ArraySize {
  std::int64_t sequences = 1;
  std::int64_t heads = 1;
  std::int64_t rows = 1;
  std::int64_t row_bytes = 0;  ///< 0: the array is absent
};

/// Rows of contiguous bytes. At first all bits are 1, in rows, gaps and around the array: NaN as
/// fp16, bf16 and fp32, no valid position, a huge score. After a kernel ran, damage() finds what it
/// should not have written.
class CaseArray {
 public:
  CaseArray(std::string name, std::string type, ArraySize size, ArrayLayout layout,
            Writable writable = {});

  [[nodiscard]] const std::string& name() const { return name_; }
  /// A safetensors type: "F32", "U8", ...
  [[nodiscard]] const std::string& type() const { return type_; }
  [[nodiscard]] const ArraySize& size() const { return size_; }
  [[nodiscard]] bool is_output() const { return static_cast<bool>(writable_); }
  /// Whether a kernel may write the row.
  [[nodiscard]] bool is_output(std::int64_t sequence, std::int64_t head, std::int64_t row) const {
    return writable_ && writable_(sequence, head, row);
  }
  [[nodiscard]] bool present() const { return size_.row_bytes > 0; }

  [[nodiscard]] std::span<std::byte> row(std::int64_t sequence, std::int64_t head,
                                         std::int64_t row) const;
  /// A row's bytes as values.
  template <typename T>
  [[nodiscard]] std::vector<T> values(std::int64_t sequence, std::int64_t head,
                                      std::int64_t row_index) const {
    return as<T>(row(sequence, head, row_index));
  }
  /// The same as they were at seal().
  template <typename T>
  [[nodiscard]] std::vector<T> sealed_values(std::int64_t sequence, std::int64_t head,
                                             std::int64_t row_index) const {
    return as<T>(std::span(sealed_[static_cast<std::size_t>(sequence)])
                     .subspan(offset(head, row_index), static_cast<std::size_t>(size_.row_bytes)));
  }
  void set(std::int64_t sequence, std::int64_t head, std::int64_t row_index,
           std::span<const std::byte> bytes) {
    std::ranges::copy(bytes, row(sequence, head, row_index).begin());
  }
  /// The first values of a row; those behind them stay.
  template <typename T>
  void set_values(std::int64_t sequence, std::int64_t head, std::int64_t row_index,
                  const std::vector<T>& values) {
    set(sequence, head, row_index, std::as_bytes(std::span(values)));
  }

  /// All bytes of one sequence, gaps included.
  [[nodiscard]] std::span<std::byte> sequence(std::int64_t sequence) const {
    return {memory_.base() + sequence * sequence_stride_,
            static_cast<std::size_t>(sequence_bytes_)};
  }

  /// For the interface, with data at base (the array's own memory, or a copy of it elsewhere).
  [[nodiscard]] mikv_array view(void* base) const;
  [[nodiscard]] mikv_array view() const { return view(memory_.base()); }
  [[nodiscard]] void* data() const { return memory_.base(); }
  /// All of it, with kFront bytes in front and what is behind; not for the wide layout, which is
  /// mostly address space.
  [[nodiscard]] std::span<std::byte> watched_memory() const {
    return {memory_.base() - kFront, kFront + memory_.bytes().size() + memory_.behind().size()};
  }
  static constexpr std::size_t kFront = GuardedMemory::kFront;

  /// Remembers rows and gaps as they are now. Call before the kernel runs.
  void seal();
  /// What the kernel damaged: since seal() a gap or a row that it may only read, or ever what lies
  /// in front of the array or behind it.
  [[nodiscard]] std::optional<std::string> damage() const;
  /// Whether a row has its bytes of seal().
  [[nodiscard]] bool untouched(std::int64_t sequence, std::int64_t head, std::int64_t row) const;
  /// Changes the sign of every row's floating-point values.
  void negate();
  /// Puts everything back as it was at seal().
  void restore();

 private:
  template <typename T>
  static std::vector<T> as(std::span<const std::byte> bytes) {
    std::vector<T> out(bytes.size() / sizeof(T));
    std::ranges::copy(bytes, std::as_writable_bytes(std::span(out)).begin());
    return out;
  }
  // Of one sequence where they lie apart, else of all.
  [[nodiscard]] std::int64_t area_bytes(ArrayLayout layout) const;
  // Within a sequence.
  [[nodiscard]] std::size_t offset(std::int64_t head, std::int64_t row) const;
  [[nodiscard]] std::optional<std::string> sequence_damage(std::int64_t sequence) const;
  [[nodiscard]] std::optional<std::string> surrounding_damage(std::int64_t area) const;

  std::string name_;
  std::string type_;
  ArraySize size_;
  std::int64_t row_stride_;
  std::int64_t head_stride_;
  std::int64_t sequence_bytes_;
  std::int64_t sequence_stride_;
  Writable writable_;
  std::int64_t areas_;
  GuardedMemory memory_;
  std::vector<std::vector<std::byte>> sealed_;  // by sequence
};

}  // namespace mikv::kernel_test
