#pragma once
#include <cstddef>
#include <cstdint>

namespace png {

/** Order of a pixel's bytes in memory; an `x` byte is ignored. The numbers are shared with png.js. */
enum class Layout : uint8_t { rgba, bgra, rgbx, bgrx, rgb, bgr, gray };

/** `automatic` drops what the pixels do not use; `gray` converts to luma; the others are written as asked. */
enum class Colour : uint8_t { automatic, gray, rgb, rgba };

/** `fast`: one look back per position. `small`: hash chains and lazy matching. */
enum class Level : uint8_t { fast, small };

/** Pixels that somebody else owns, rows top down, `stride` bytes apart. */
struct Image {
  const uint8_t* data;
  size_t width;
  size_t height;
  size_t stride;
  Layout layout;
  bool isPremultiplied;
};

struct Options {
  Level level;
  Colour colour;
  /** 0 writes no pHYs chunk. */
  uint32_t pixelsPerMetre;
};

inline size_t bytesPerPixel(Layout layout) {
  if (layout == Layout::gray) return 1;
  return layout == Layout::rgb || layout == Layout::bgr ? 3 : 4;
}

inline bool hasAlpha(Layout layout) { return layout == Layout::rgba || layout == Layout::bgra; }

inline bool isBlueFirst(Layout layout) {
  return layout == Layout::bgra || layout == Layout::bgrx || layout == Layout::bgr;
}

}  // namespace png
