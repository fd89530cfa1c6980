#pragma once
#include <cstddef>
#include <cstdint>

namespace png {

constexpr size_t kMaxSymbols = 288;

/** Code words ready for a little-endian bit stream: already reversed as RFC 1951, 3.1.1 asks. */
struct HuffmanCode {
  uint16_t words[kMaxSymbols];
  uint8_t lengths[kMaxSymbols];

  /**
   * The best code for these counts with no word above `maxLength` bits. Symbols that do not occur get length 0; a code
   * with fewer than two symbols is padded to two, as decoders differ on incomplete ones.
   */
  void build(const uint32_t* counts, size_t symbols, unsigned maxLength);
};

}  // namespace png
