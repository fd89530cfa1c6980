#pragma once
#include <memory>
#include <random>

#include "../src/image.h"

namespace fuzz {

using Random = std::mt19937_64;

/** An image whose memory ends with its last pixel, so that a sanitizer sees every byte read beyond. */
struct Picture {
  png::Image image;
  std::unique_ptr<uint8_t[]> memory;
};

/** Noise, flats, slopes, text-like specks and repeats, of any layout, size and stride; decided by the seed alone. */
Picture makePicture(Random& random);

/** What a decoder must give for a pixel: red, green, blue, alpha in the low to the high byte. */
uint32_t expectedPixel(const png::Image& image, png::Colour colour, size_t x, size_t y);

}  // namespace fuzz
