#include "crc32.h"

#include <array>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>

#include <cstring>
#endif

namespace png {
namespace {

using Tables = std::array<std::array<uint32_t, 256>, 4>;

/** tables[k][b]: the effect of byte b followed by k zero bytes, so that four bytes are looked up at once. */
constexpr Tables makeTables() {
  Tables tables{};
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    tables[0][byte] = crc;
  }
  for (size_t k = 1; k < 4; k++) {
    for (size_t byte = 0; byte < 256; byte++) {
      const uint32_t crc = tables[k - 1][byte];
      tables[k][byte] = crc >> 8 ^ tables[0][crc & 0xff];
    }
  }
  return tables;
}

constexpr Tables kTables = makeTables();

/** Works on the inverted register, like the two functions below. */
uint32_t crcTable(uint32_t crc, const uint8_t* data, size_t bytes) {
  for (; bytes >= 4; bytes -= 4, data += 4) {
    crc ^= data[0] | data[1] << 8 | data[2] << 16 | static_cast<uint32_t>(data[3]) << 24;
    crc = kTables[3][crc & 0xff] ^ kTables[2][crc >> 8 & 0xff] ^ kTables[1][crc >> 16 & 0xff] ^ kTables[0][crc >> 24];
  }
  for (; bytes > 0; bytes--) crc = crc >> 8 ^ kTables[0][(crc ^ *data++) & 0xff];
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("pclmul,sse4.1"))) __m128i fold(__m128i state, __m128i next, __m128i constants) {
  const __m128i low = _mm_clmulepi64_si128(state, constants, 0x00);
  const __m128i high = _mm_clmulepi64_si128(state, constants, 0x11);
  return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

/**
 * Needs at least 64 bytes and a multiple of 16. Method and constants: Gopal and others, "Fast CRC Computation for
 * Generic Polynomials Using PCLMULQDQ Instruction", Intel 2009, for the reflected polynomial.
 */
__attribute__((target("pclmul,sse4.1"))) uint32_t crcFold(uint32_t crc, const uint8_t* data, size_t bytes) {
  const __m128i by512 = _mm_set_epi64x(0x01c6e41596, 0x0154442bd4);
  const __m128i by128 = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0);
  const __m128i by64 = _mm_set_epi64x(0, 0x0163cd6124);
  const __m128i barrett = _mm_set_epi64x(0x01f7011641, 0x01db710641);
  const __m128i low32 = _mm_setr_epi32(-1, 0, -1, 0);
  const auto at = [data](size_t offset) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + offset)); };
  __m128i lane[4] = {_mm_xor_si128(at(0), _mm_cvtsi32_si128(static_cast<int>(crc))), at(16), at(32), at(48)};
  size_t done = 64;
  for (; done + 64 <= bytes; done += 64) {
    for (size_t k = 0; k < 4; k++) lane[k] = fold(lane[k], at(done + 16 * k), by512);
  }
  __m128i state = lane[0];
  for (size_t k = 1; k < 4; k++) state = fold(state, lane[k], by128);
  for (; done + 16 <= bytes; done += 16) state = fold(state, at(done), by128);

  state = _mm_xor_si128(_mm_srli_si128(state, 8), _mm_clmulepi64_si128(state, by128, 0x10));
  const __m128i upper = _mm_srli_si128(state, 4);
  state = _mm_xor_si128(_mm_clmulepi64_si128(_mm_and_si128(state, low32), by64, 0x00), upper);
  __m128i quotient = _mm_clmulepi64_si128(_mm_and_si128(state, low32), barrett, 0x10);
  quotient = _mm_clmulepi64_si128(_mm_and_si128(quotient, low32), barrett, 0x00);
  return static_cast<uint32_t>(_mm_extract_epi32(_mm_xor_si128(state, quotient), 1));
}
#elif defined(__ARM_FEATURE_CRC32)
uint32_t crcInstruction(uint32_t crc, const uint8_t* data, size_t bytes) {
  for (; bytes >= 8; bytes -= 8, data += 8) {
    uint64_t word;
    std::memcpy(&word, data, sizeof word);
    crc = __crc32d(crc, word);
  }
  for (; bytes > 0; bytes--) crc = __crc32b(crc, *data++);
  return crc;
}
#endif

}  // namespace

uint32_t crc32(uint32_t crc, const uint8_t* data, size_t bytes) {
  crc = ~crc;
#if defined(__x86_64__)
  if (bytes >= 64 && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1")) {
    const size_t whole = bytes & ~static_cast<size_t>(15);
    crc = crcFold(crc, data, whole);
    data += whole;
    bytes -= whole;
  }
#elif defined(__ARM_FEATURE_CRC32)
  return ~crcInstruction(crc, data, bytes);
#endif
  return ~crcTable(crc, data, bytes);
}

}  // namespace png
