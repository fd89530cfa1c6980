// The row loops as plain C++ that the compiler vectorises, included by one file per instruction set.
#include <cstring>

#include "kernels.h"
#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__SSSE3__)
#include <tmmintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

namespace {

using png::Changes;
using png::Seen;

inline uint32_t load32(const uint8_t* from) {
  uint32_t value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

inline void store32(uint8_t* to, uint32_t value) { std::memcpy(to, &value, sizeof value); }

template <size_t pixelBytes>
void inspectPixels(const uint8_t* row, size_t count, Seen* seen) {
  uint32_t colour = 0, clear = 0, beyond4 = 0, beyond2 = 0, beyond1 = 0;
  for (size_t i = 0; i < count; i++) {
    const uint8_t* pixel = row + i * pixelBytes;
    uint32_t value = pixel[0];
    if (pixelBytes == 4) {
      value = load32(pixel);
      colour |= value ^ (value >> 8);
      clear |= ~value;
    }
    // A level fits fewer bits when it is those bits repeated: 0x77 is 7 in four bits, 0xaa is 2 in two.
    beyond4 |= value ^ (value >> 4);
    beyond2 |= value ^ (value >> 2);
    beyond1 |= value ^ (value >> 1);
  }
  seen->colour |= colour & 0xffff;
  seen->alpha |= pixelBytes == 4 ? clear >> 24 : 0;
  seen->beyond4 |= beyond4 & 0x0f;
  seen->beyond2 |= beyond2 & 0x3f;
  seen->beyond1 |= beyond1 & 0x7f;
}

void inspect(const uint8_t* row, size_t count, size_t pixelBytes, Seen* seen) {
  if (pixelBytes == 4) return inspectPixels<4>(row, count, seen);
  inspectPixels<1>(row, count, seen);
}

void toGray(uint8_t* __restrict out, const uint8_t* __restrict row, size_t count) {
  for (size_t i = 0; i < count; i++) out[i] = static_cast<uint8_t>(load32(row + 4 * i));
}

/** ITU-R BT.601 weights, as in src/raster/encode.ts; equal samples keep their value. */
inline uint8_t luma(uint32_t red, uint32_t green, uint32_t blue) {
  return static_cast<uint8_t>((77 * red + 150 * green + 29 * blue + 128) >> 8);
}

template <unsigned redShift, unsigned blueShift>
void lumaPixels(uint8_t* __restrict out, const uint8_t* __restrict row, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const uint32_t pixel = load32(row + 4 * i);
    out[i] = luma(pixel >> redShift & 0xff, pixel >> 8 & 0xff, pixel >> blueShift & 0xff);
  }
}

void toLuma(uint8_t* out, const uint8_t* row, size_t count, bool isBlueFirst) {
  if (isBlueFirst) return lumaPixels<16, 0>(out, row, count);
  lumaPixels<0, 16>(out, row, count);
}

void toGrayAlpha(uint8_t* __restrict out, const uint8_t* __restrict row, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const uint32_t pixel = load32(row + 4 * i);
    out[2 * i] = static_cast<uint8_t>(pixel);
    out[2 * i + 1] = static_cast<uint8_t>(pixel >> 24);
  }
}

inline uint32_t swapRedBlue(uint32_t pixel) {
  return (pixel & 0xff00ff00u) | ((pixel >> 16) & 0xff) | ((pixel & 0xff) << 16);
}

#if defined(__SSSE3__)
inline size_t toRgbVector(uint8_t* out, const uint8_t* row, size_t count, bool isBlueFirst) {
  const __m128i order = isBlueFirst ? _mm_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1)
                                    : _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
  size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const __m128i* in = reinterpret_cast<const __m128i*>(row + 4 * i);
    const __m128i a = _mm_shuffle_epi8(_mm_loadu_si128(in), order);
    const __m128i b = _mm_shuffle_epi8(_mm_loadu_si128(in + 1), order);
    const __m128i c = _mm_shuffle_epi8(_mm_loadu_si128(in + 2), order);
    const __m128i d = _mm_shuffle_epi8(_mm_loadu_si128(in + 3), order);
    __m128i* to = reinterpret_cast<__m128i*>(out + 3 * i);
    _mm_storeu_si128(to, _mm_or_si128(a, _mm_slli_si128(b, 12)));
    _mm_storeu_si128(to + 1, _mm_or_si128(_mm_srli_si128(b, 4), _mm_slli_si128(c, 8)));
    _mm_storeu_si128(to + 2, _mm_or_si128(_mm_srli_si128(c, 8), _mm_slli_si128(d, 4)));
  }
  return i;
}
#elif defined(__ARM_NEON)
inline size_t toRgbVector(uint8_t* out, const uint8_t* row, size_t count, bool isBlueFirst) {
  size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const uint8x16x4_t in = vld4q_u8(row + 4 * i);
    vst3q_u8(out + 3 * i, uint8x16x3_t{{in.val[isBlueFirst ? 2 : 0], in.val[1], in.val[isBlueFirst ? 0 : 2]}});
  }
  return i;
}
#else
inline size_t toRgbVector(uint8_t* out, const uint8_t* row, size_t count, bool isBlueFirst) {
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    uint32_t pixels[4];
    for (size_t k = 0; k < 4; k++) {
      const uint32_t pixel = load32(row + 4 * (i + k));
      pixels[k] = (isBlueFirst ? swapRedBlue(pixel) : pixel) & 0xffffff;
    }
    store32(out + 3 * i, pixels[0] | pixels[1] << 24);
    store32(out + 3 * i + 4, pixels[1] >> 8 | pixels[2] << 16);
    store32(out + 3 * i + 8, pixels[2] >> 16 | pixels[3] << 8);
  }
  return i;
}
#endif

void toRgb(uint8_t* out, const uint8_t* row, size_t count, bool isBlueFirst) {
  for (size_t i = toRgbVector(out, row, count, isBlueFirst); i < count; i++) {
    out[3 * i] = row[4 * i + (isBlueFirst ? 2 : 0)];
    out[3 * i + 1] = row[4 * i + 1];
    out[3 * i + 2] = row[4 * i + (isBlueFirst ? 0 : 2)];
  }
}

void toRgba(uint8_t* __restrict out, const uint8_t* __restrict row, size_t count, bool isBlueFirst) {
  if (!isBlueFirst) {
    std::memcpy(out, row, 4 * count);
    return;
  }
  for (size_t i = 0; i < count; i++) store32(out + 4 * i, swapRedBlue(load32(row + 4 * i)));
}

#include "filter-kernels.inl"

}  // namespace

namespace png {

const Kernels& PNG_KERNELS_GETTER() {
  static const Kernels set = {PNG_KERNELS_NAME, inspect,  toGray,      toLuma,       toGrayAlpha, toRgb,
                              toRgba,           filterUp, filterPaeth, countChanges, adler32};
  return set;
}

}  // namespace png
