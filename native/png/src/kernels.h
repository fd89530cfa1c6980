#pragma once
#include <cstddef>
#include <cstdint>

namespace png {

/** What a picture's pixels use, as bits that were seen to matter: 0 in a field means "not needed". */
struct Seen {
  uint32_t colour = 0;
  uint32_t alpha = 0;
  /** Gray levels that 4, 2 or 1 bits cannot hold; meaningful while `colour` is 0. */
  uint32_t beyond4 = 0;
  uint32_t beyond2 = 0;
  uint32_t beyond1 = 0;
};

/** How many bytes of a row are no part of a run: at most 4 in size, or above. */
struct Changes {
  size_t small;
  size_t large;
};

/** Inner loops over one row, compiled once per instruction set. `count` is pixels, `bytes` is bytes. */
struct Kernels {
  const char* name;
  /** 1 or 4 bytes a pixel. */
  void (*inspect)(const uint8_t* row, size_t count, size_t pixelBytes, Seen* seen);
  /** From 4 bytes a pixel, here and below. */
  void (*toGray)(uint8_t* out, const uint8_t* row, size_t count);
  void (*toLuma)(uint8_t* out, const uint8_t* row, size_t count, bool isBlueFirst);
  void (*toGrayAlpha)(uint8_t* out, const uint8_t* row, size_t count);
  void (*toRgb)(uint8_t* out, const uint8_t* row, size_t count, bool isBlueFirst);
  void (*toRgba)(uint8_t* out, const uint8_t* row, size_t count, bool isBlueFirst);
  /** PNG filters 2 and 4 (PNG third edition, 9.2); `bpp` is bytes per complete pixel. */
  void (*filterUp)(uint8_t* out, const uint8_t* row, const uint8_t* above, size_t bytes, size_t bpp);
  void (*filterPaeth)(uint8_t* out, const uint8_t* row, const uint8_t* above, size_t bytes, size_t bpp);
  /** Bytes that differ from the pixel before, by the size of the byte itself, or of the difference in a plain row. */
  Changes (*countChanges)(const uint8_t* row, size_t bytes, size_t bpp, bool isPlain);
  uint32_t (*adler32)(uint32_t adler, const uint8_t* data, size_t bytes);
};

/** The best set this CPU runs; decided once per process, never changed. */
const Kernels& kernels();

const Kernels& baselineKernels();
#if defined(__x86_64__)
const Kernels& avx2Kernels();
#endif

}  // namespace png
