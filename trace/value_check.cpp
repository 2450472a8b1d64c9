// SPDX-License-Identifier: Apache-2.0
#include "trace/value_check.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>

#include "core/error.h"
#include "trace/safetensors_dtype.h"

namespace mikv::trace {
namespace {

// A multiple of every element size; small enough that memory stays bounded, large enough to stream.
constexpr std::size_t kWindowBytes = std::size_t{16} << 20;

// An exponent of all ones is a NaN or an infinity.
template <typename Word>
std::optional<std::size_t> find_not_finite(std::span<const std::byte> bytes, Word exponent) {
  const std::size_t count = bytes.size() / sizeof(Word);
  const auto load = [&](std::size_t i) {
    Word word;
    std::memcpy(&word, bytes.data() + i * sizeof(Word), sizeof(Word));  // any alignment is legal
    return word;
  };
  bool any = false;
  for (std::size_t i = 0; i < count; ++i) any |= (load(i) & exponent) == exponent;
  if (!any) return std::nullopt;
  std::size_t i = 0;
  while ((load(i) & exponent) != exponent) ++i;
  return i;
}

std::optional<std::size_t> find_not_finite(std::span<const std::byte> bytes, ElementType type) {
  switch (type) {
    case ElementType::f16:
      return find_not_finite<std::uint16_t>(bytes, 0x7c00);
    case ElementType::bf16:
      return find_not_finite<std::uint16_t>(bytes, 0x7f80);
    case ElementType::f32:
      return find_not_finite<std::uint32_t>(bytes, 0x7f800000);
  }
  return std::nullopt;
}

[[noreturn]] void refuse_value(const TraceReader& reader, const TensorEntry& tensor,
                               std::uint64_t element) {
  const std::uint64_t channels = tensor.shape.at(2);
  const std::uint64_t tokens = tensor.shape.at(1);
  throw InputError(reader.path(), tensor.name,
                   "is NaN or infinite at head " + std::to_string(element / channels / tokens) +
                       ", token " + std::to_string(element / channels % tokens) + ", channel " +
                       std::to_string(element % channels),
                   "record the trace again, or cut the layer out with 'mikv trace slice --layers'");
}

class Hash {
 public:
  Hash() : state_(XXH3_createState(), &XXH3_freeState) { XXH3_128bits_reset(state_.get()); }
  void update(std::span<const std::byte> bytes) {
    XXH3_128bits_update(state_.get(), bytes.data(), bytes.size());
  }
  [[nodiscard]] std::string text() const {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_.get()));
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string out = "xxh128:";
    for (const unsigned char byte : canonical.digest)
      out.append({kHex[byte >> 4], kHex[byte & 15]});
    return out;
  }

 private:
  std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state_;
};

std::vector<bool> recorded_tensors(const TraceIndex& index) {
  std::vector<bool> recorded(index.container.tensors.size(), false);
  for (const auto& [layer, tensors] : index.layers) {
    recorded[tensors.q] = recorded[tensors.k] = recorded[tensors.v] = true;
    if (tensors.o) recorded[*tensors.o] = true;
  }
  return recorded;
}

}  // namespace

std::string check_values(const TraceReader& reader) {
  const TraceIndex& index = reader.index();
  const std::vector<bool> recorded = recorded_tensors(index);
  Hash hash;
  hash.update(reader.header_bytes());
  for (std::size_t i = 0; i < recorded.size(); ++i) {
    const TensorEntry& tensor = index.container.tensors[i];
    const std::span<const std::byte> bytes = reader.tensor_bytes(tensor);
    for (std::size_t begin = 0; begin < bytes.size(); begin += kWindowBytes) {
      const auto window = bytes.subspan(begin, std::min(kWindowBytes, bytes.size() - begin));
      hash.update(window);
      if (recorded[i]) {
        if (const auto found = find_not_finite(window, index.element)) {
          const auto element_size = static_cast<std::size_t>(element_bytes(index.element));
          refuse_value(reader, tensor, begin / element_size + *found);
        }
      }
      reader.release(window);
    }
  }
  return hash.text();
}

}  // namespace mikv::trace
