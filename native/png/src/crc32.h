#pragma once
#include <cstddef>
#include <cstdint>

namespace png {

/** CRC of PNG chunks (PNG third edition, annex D); start with 0, feed the result back in. */
uint32_t crc32(uint32_t crc, const uint8_t* data, size_t bytes);

}  // namespace png
