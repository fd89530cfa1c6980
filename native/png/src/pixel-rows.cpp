#include "pixel-rows.h"

#include <algorithm>

namespace png {
namespace {

constexpr uint32_t kOpaque = 0xff000000u;

}  // namespace

PixelRows::PixelRows(const Image& image, const RowNeeds& needs)
    : image_(image),
      change_(changeFor(image, needs)),
      pixelBytes_(image.layout == Layout::gray && !needs.quads ? 1 : 4),
      changed_(change_ == Change::none ? 0 : 4 * image.width) {}

PixelRows::Change PixelRows::changeFor(const Image& image, const RowNeeds& needs) {
  if (image.layout == Layout::gray) return needs.quads ? Change::fromGray : Change::none;
  if (bytesPerPixel(image.layout) == 3) return Change::fromTriples;
  if (!hasAlpha(image.layout)) return needs.alpha ? Change::fillAlpha : Change::none;
  return image.isPremultiplied && needs.straight ? Change::divide : Change::none;
}

const uint8_t* PixelRows::row(size_t y) {
  const uint8_t* from = image_.data + y * image_.stride;
  if (change_ == Change::none) return from;
  uint8_t* to = changed_.data();
  for (size_t x = 0; x < image_.width; x++) {
    uint32_t pixel = 0;
    if (change_ == Change::fromGray) pixel = kOpaque | from[x] * 0x010101u;
    if (change_ == Change::fromTriples) pixel = kOpaque | from[3 * x] | from[3 * x + 1] << 8 | from[3 * x + 2] << 16;
    if (change_ == Change::fillAlpha) pixel = kOpaque | load32(from + 4 * x);
    if (change_ == Change::divide) pixel = unpremultiply(load32(from + 4 * x));
    store32(to + 4 * x, pixel);
  }
  return to;
}

uint32_t unpremultiply(uint32_t pixel) {
  const uint32_t alpha = pixel >> 24;
  if (alpha == 0xff) return pixel;
  if (alpha == 0) return 0;
  uint32_t result = alpha << 24;
  for (unsigned shift = 0; shift < 24; shift += 8) {
    const uint32_t sample = ((pixel >> shift & 0xff) * 0xff + alpha / 2) / alpha;
    result |= std::min(sample, 0xffu) << shift;
  }
  return result;
}

}  // namespace png
