#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

#include "image.h"
#include "palette.h"

namespace png {

/** The numbers of PNG third edition, 11.2.1. */
enum class ColourType : uint8_t { gray = 0, rgb = 2, palette = 3, grayAlpha = 4, rgba = 6 };

/** How the samples are written. */
struct Format {
  ColourType colourType;
  /** Bits a sample. */
  unsigned depth;
  /** Gray is computed from unequal samples instead of being found. */
  bool isLuma;
  /** Every alpha was seen to be 255. */
  bool isOpaque;
  /** Only with ColourType::palette. */
  std::unique_ptr<Palette> palette;

  size_t channels() const;
  size_t rowBytes(size_t width) const { return (width * channels() * depth + 7) / 8; }
  /** Bytes per complete pixel, at least 1, as filters count them (PNG third edition, 9.2). */
  size_t pixelBytes() const { return depth < 8 ? 1 : channels(); }
};

/** The smallest format that keeps every pixel, or the one asked for. Looks at each pixel at most once. */
Format chooseFormat(const Image& image, Colour colour);

}  // namespace png
