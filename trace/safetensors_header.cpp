// SPDX-License-Identifier: Apache-2.0
#include "trace/safetensors_header.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

#include "core/error.h"
#include "trace/safetensors_dtype.h"
#include "trace/safetensors_sax.h"

namespace mikv::trace {
namespace {

static_assert(std::endian::native == std::endian::little,
              "safetensors are read without byte swaps");
static_assert(sizeof(std::size_t) == 8, "files over 4 GiB need a 64-bit machine");

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::string_view kRemedy = "write the file again with a safetensors writer";

class HeaderParser {
 public:
  HeaderParser(std::span<const std::byte> file, std::string_view name) : file_(file), name_(name) {}

  SafetensorsHeader parse() {
    const std::string_view text = header_text();
    parse_json(text);
    header_.data_begin = kLengthBytes + text.size();
    sort_and_place();
    for (const TensorEntry& tensor : header_.tensors) check_size(tensor);
    return std::move(header_);
  }

 private:
  [[noreturn]] void refuse(std::string_view field, const std::string& problem) const {
    throw InputError(name_, field, problem, kRemedy);
  }

  std::string_view header_text() const {
    if (file_.size() < kLengthBytes) {
      refuse("",
             "is too short for a safetensors header (" + std::to_string(file_.size()) + " bytes)");
    }
    std::uint64_t length = 0;
    std::memcpy(&length, file_.data(), kLengthBytes);
    if (length > kMaxHeaderBytes) {
      refuse("header",
             "claims " + std::to_string(length) + " bytes, more than the format's 100000000");
    }
    if (length > file_.size() - kLengthBytes) {
      refuse("header", "claims " + std::to_string(length) + " bytes, more than the file has left");
    }
    return {reinterpret_cast<const char*>(file_.data()) + kLengthBytes,
            static_cast<std::size_t>(length)};
  }

  void parse_json(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    // Checked here because the JSON parser would skip a byte order mark.
    if (first == std::string_view::npos || text[first] != '{') {
      refuse("header", "does not begin with '{'");
    }
    // To the JSON parser a NUL is the end, whatever follows it.
    if (text.find('\0') != std::string_view::npos) refuse("header", "holds a NUL byte");
    SafetensorsSax sax(header_);
    if (!nlohmann::json::sax_parse(text.begin(), text.end(), &sax)) {
      refuse(sax.field().empty() ? "header" : sax.field(), sax.problem());
    }
  }

  // Tensors must follow each other from the first data byte to the last byte of the file.
  void sort_and_place() {
    std::sort(header_.tensors.begin(), header_.tensors.end(),
              [](const TensorEntry& a, const TensorEntry& b) {
                return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
              });
    const std::uint64_t available = file_.size() - header_.data_begin;
    std::uint64_t expected = 0;
    for (TensorEntry& tensor : header_.tensors) {
      if (tensor.end < tensor.begin) refuse(tensor.name, "ends before it begins");
      if (tensor.begin != expected) {
        refuse(tensor.name, "begins at data byte " + std::to_string(tensor.begin) + " instead of " +
                                std::to_string(expected) + ": tensors overlap or leave a gap");
      }
      if (tensor.end > available) refuse(tensor.name, "ends beyond the file: it is cut short");
      expected = tensor.end;
      tensor.begin += header_.data_begin;
      tensor.end += header_.data_begin;
    }
    if (expected != available) {
      refuse("", "has " + std::to_string(available - expected) + " bytes after its last tensor");
    }
  }

  void check_size(const TensorEntry& tensor) const {
    const std::optional<int> bits = dtype_bits(tensor.dtype);
    if (!bits) refuse(tensor.name, "has the unknown dtype '" + tensor.dtype.substr(0, 32) + "'");
    auto total = static_cast<std::uint64_t>(*bits);
    for (const std::uint64_t dimension : tensor.shape) {
      if (__builtin_mul_overflow(total, dimension, &total)) {
        refuse(tensor.name, "has a shape whose size overflows 64 bits");
      }
    }
    if (total % 8 != 0) refuse(tensor.name, "does not end on a whole byte");
    if (total / 8 != tensor.end - tensor.begin) {
      refuse(tensor.name, "has " + std::to_string(tensor.end - tensor.begin) +
                              " bytes where its shape and dtype need " + std::to_string(total / 8));
    }
  }

  std::span<const std::byte> file_;
  std::string_view name_;
  SafetensorsHeader header_;
};

}  // namespace

SafetensorsHeader parse_safetensors_header(std::span<const std::byte> file,
                                           std::string_view file_name) {
  return HeaderParser(file, file_name).parse();
}

}  // namespace mikv::trace
