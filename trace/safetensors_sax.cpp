// SPDX-License-Identifier: Apache-2.0
#include "trace/safetensors_sax.h"

#include <algorithm>

namespace mikv::trace {
namespace {

constexpr const char* kMetadata = "__metadata__";

bool has_control_character(const std::string& text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace

bool SafetensorsSax::fail(std::string problem) {
  problem_ = std::move(problem);
  return false;
}

bool SafetensorsSax::null() {
  return fail("holds null where a value belongs");
}

bool SafetensorsSax::boolean(bool /*value*/) {
  return fail("holds true or false where another value belongs");
}

bool SafetensorsSax::number_integer(std::int64_t /*value*/) {
  return fail("holds a negative number");
}

bool SafetensorsSax::number_float(double /*value*/, const std::string& /*text*/) {
  return fail("holds a number that is no integer of 64 bits");
}

bool SafetensorsSax::number_unsigned(std::uint64_t value) {
  if (where_ == Where::shape) {
    std::vector<std::uint64_t>& shape = header_.tensors.back().shape;
    if (shape.size() == kMaxRank) return fail("has more than 8 dimensions");
    shape.push_back(value);
    return true;
  }
  if (where_ == Where::offsets) {
    if (offsets_ == 2) return fail("data_offsets has more than two numbers");
    TensorEntry& tensor = header_.tensors.back();
    (offsets_ == 0 ? tensor.begin : tensor.end) = value;
    ++offsets_;
    return true;
  }
  return fail("holds a number where another value belongs");
}

bool SafetensorsSax::string(std::string& value) {
  if (expect_ == Expect::text) {
    metadata_bytes_ += value.size();
    if (metadata_bytes_ > kMaxMetadataBytes) {
      field_ = kMetadata;
      return fail("is larger than 1 MiB");
    }
    header_.metadata.emplace(metadata_name_, value);
    expect_ = Expect::key;
    return true;
  }
  if (expect_ == Expect::dtype) {
    header_.tensors.back().dtype = value;
    has_dtype_ = true;
    expect_ = Expect::key;
    return true;
  }
  return fail("holds a string where another value belongs");
}

bool SafetensorsSax::binary(nlohmann::json::binary_t& /*value*/) {
  return fail("holds binary data");
}

bool SafetensorsSax::start_object(std::size_t /*elements*/) {
  if (where_ == Where::start) {
    where_ = Where::top;
    return true;
  }
  if (where_ == Where::top && expect_ == Expect::metadata_object) {
    where_ = Where::metadata;
    expect_ = Expect::key;
    return true;
  }
  if (where_ == Where::top && expect_ == Expect::tensor_object) {
    where_ = Where::tensor;
    expect_ = Expect::key;
    return true;
  }
  return fail("holds an object where another value belongs");
}

bool SafetensorsSax::key(std::string& name) {
  switch (where_) {
    case Where::top:
      return top_key(name);
    case Where::metadata:
      return metadata_key(name);
    default:
      return tensor_key(name);
  }
}

bool SafetensorsSax::top_key(const std::string& name) {
  field_ = name.substr(0, kMaxNameBytes);
  if (name.size() > kMaxNameBytes) return fail("is a name of more than 256 bytes");
  if (has_control_character(name)) return fail("is a name with a control character");
  if (!names_.insert(name).second) return fail("appears twice");
  if (name == kMetadata) {
    expect_ = Expect::metadata_object;
    return true;
  }
  if (header_.tensors.size() == kMaxTensors)
    return fail("is one tensor too many: 65536 are allowed");
  header_.tensors.emplace_back().name = name;
  has_dtype_ = has_shape_ = has_offsets_ = false;
  expect_ = Expect::tensor_object;
  return true;
}

bool SafetensorsSax::metadata_key(const std::string& name) {
  field_ = kMetadata;
  metadata_bytes_ += name.size();
  if (metadata_bytes_ > kMaxMetadataBytes) return fail("is larger than 1 MiB");
  if (header_.metadata.size() == kMaxMetadataEntries) return fail("has more than 1024 entries");
  if (header_.metadata.contains(name)) {
    return fail("has '" + name.substr(0, kMaxNameBytes) + "' twice");
  }
  metadata_name_ = name;
  field_.append(".").append(name, 0, kMaxNameBytes);
  expect_ = Expect::text;
  return true;
}

bool SafetensorsSax::tensor_key(const std::string& name) {
  if (name == "dtype" && !has_dtype_) {
    expect_ = Expect::dtype;
  } else if (name == "shape" && !has_shape_) {
    expect_ = Expect::shape;
  } else if (name == "data_offsets" && !has_offsets_) {
    expect_ = Expect::offsets;
  } else {
    return fail("has an unknown or repeated field '" + name.substr(0, kMaxNameBytes) + "'");
  }
  return true;
}

bool SafetensorsSax::start_array(std::size_t /*elements*/) {
  if (where_ == Where::tensor && expect_ == Expect::shape) {
    where_ = Where::shape;
    return true;
  }
  if (where_ == Where::tensor && expect_ == Expect::offsets) {
    where_ = Where::offsets;
    offsets_ = 0;
    return true;
  }
  return fail("holds an array where another value belongs");
}

bool SafetensorsSax::end_array() {
  if (where_ == Where::shape) {
    has_shape_ = true;
  } else {
    if (offsets_ != 2) return fail("data_offsets has fewer than two numbers");
    has_offsets_ = true;
  }
  where_ = Where::tensor;
  expect_ = Expect::key;
  return true;
}

bool SafetensorsSax::end_object() {
  if (where_ == Where::tensor && !finish_tensor()) return false;
  where_ = where_ == Where::top ? Where::done : Where::top;
  expect_ = Expect::key;
  return true;
}

bool SafetensorsSax::finish_tensor() {
  if (!has_dtype_) return fail("has no dtype");
  if (!has_shape_) return fail("has no shape");
  if (!has_offsets_) return fail("has no data_offsets");
  return true;
}

bool SafetensorsSax::parse_error(std::size_t position, const std::string& /*last_token*/,
                                 const nlohmann::json::exception& /*error*/) {
  return fail("the header is not valid JSON at byte " + std::to_string(position));
}

}  // namespace mikv::trace
