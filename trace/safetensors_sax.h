// SPDX-License-Identifier: Apache-2.0
// Reads the JSON of a safetensors header event by event, so that a hostile one costs no more than
// it claims.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_set>

#include "trace/safetensors_header.h"

namespace mikv::trace {

/// A handler for nlohmann::json::sax_parse. A handler method that returns false has set problem().
/// Offsets are left relative to the start of the data.
class SafetensorsSax : public nlohmann::json::json_sax_t {
 public:
  explicit SafetensorsSax(SafetensorsHeader& header) : header_(header) {}

  /// What was wrong and where: a tensor's name, "__metadata__" or "__metadata__.<key>".
  [[nodiscard]] const std::string& problem() const { return problem_; }
  [[nodiscard]] const std::string& field() const { return field_; }

  bool null() override;
  bool boolean(bool value) override;
  bool number_integer(std::int64_t value) override;
  bool number_unsigned(std::uint64_t value) override;
  bool number_float(double value, const std::string& text) override;
  bool string(std::string& value) override;
  bool binary(nlohmann::json::binary_t& value) override;
  bool start_object(std::size_t elements) override;
  bool key(std::string& name) override;
  bool end_object() override;
  bool start_array(std::size_t elements) override;
  bool end_array() override;
  bool parse_error(std::size_t position, const std::string& last_token,
                   const nlohmann::json::exception& error) override;

 private:
  enum class Where : std::uint8_t { start, top, metadata, tensor, shape, offsets, done };
  enum class Expect : std::uint8_t {
    key,
    metadata_object,
    tensor_object,
    text,
    dtype,
    shape,
    offsets
  };

  bool fail(std::string problem);
  bool top_key(const std::string& name);
  bool metadata_key(const std::string& name);
  bool tensor_key(const std::string& name);
  bool finish_tensor();

  SafetensorsHeader& header_;
  Where where_ = Where::start;
  Expect expect_ = Expect::key;
  std::unordered_set<std::string> names_;
  std::string metadata_name_;
  std::size_t metadata_bytes_ = 0;
  bool has_dtype_ = false;
  bool has_shape_ = false;
  std::size_t offsets_ = 0;
  bool has_offsets_ = false;
  std::string field_;
  std::string problem_;
};

}  // namespace mikv::trace
