// SPDX-License-Identifier: Apache-2.0
#include "core/storage_format.h"

#include <array>

#include "core/error.h"

namespace mikv {

namespace {

struct Entry {
  StorageFormat format;
  std::string_view name;
  const StorageFormatInfo* info;
};

constexpr std::array kEntries{
#define MIKV_STORAGE_FORMAT(name) Entry{StorageFormat::name, #name, &formats::name},
#include "core/storage_format_list.inc"
#undef MIKV_STORAGE_FORMAT
};

constexpr std::array kFormats{
#define MIKV_STORAGE_FORMAT(name) StorageFormat::name,
#include "core/storage_format_list.inc"
#undef MIKV_STORAGE_FORMAT
};

const Entry& entry(StorageFormat format) {
  return kEntries.at(static_cast<std::size_t>(format));
}

}  // namespace

const StorageFormatInfo& info(StorageFormat format) {
  return *entry(format).info;
}

std::string_view name(StorageFormat format) {
  return entry(format).name;
}

std::optional<StorageFormat> storage_format(std::string_view name) {
  for (const Entry& e : kEntries) {
    if (e.name == name) return e.format;
  }
  return std::nullopt;
}

std::span<const StorageFormat> storage_formats() {
  return kFormats;
}

StorageFormat native_format(ElementType type) {
  for (const Entry& e : kEntries) {
    if (e.info->element == type) return e.format;
  }
  throw InternalError("no storage format for this element type");
}

}  // namespace mikv
