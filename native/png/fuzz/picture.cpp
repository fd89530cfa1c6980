#include "picture.h"

#include <algorithm>
#include <cstring>

namespace fuzz {
namespace {

size_t upTo(Random& random, size_t limit) { return random() % (limit + 1); }

/** Mostly small, sometimes wide or tall, so that rows meet every edge of blocks and vectors. */
size_t randomSize(Random& random) {
  switch (upTo(random, 7)) {
    case 0:
      return 1;
    case 1:
      return 1 + upTo(random, 3000);
    case 2:
      return 1 + upTo(random, 600);
    default:
      return 1 + upTo(random, 70);
  }
}

void paint(Random& random, uint32_t* pixels, size_t width, size_t height) {
  const size_t count = width * height, kind = upTo(random, 6);
  const uint32_t base = static_cast<uint32_t>(random()), paper = upTo(random, 1) != 0 ? 0xffffffffu : base;
  const size_t colours = size_t{1} << upTo(random, 9), rarity = 1 + upTo(random, 60);
  for (size_t i = 0; i < count; i++) {
    const size_t x = i % width, y = i / width;
    const uint32_t noise = static_cast<uint32_t>(random());
    if (kind == 0) pixels[i] = noise;
    if (kind == 1) pixels[i] = paper;
    if (kind == 2) pixels[i] = base + static_cast<uint32_t>(x + y) * 0x010203;
    if (kind == 3) pixels[i] = noise % rarity == 0 ? noise : paper;
    if (kind == 4) pixels[i] = base * static_cast<uint32_t>(noise % colours + 1);
    if (kind == 5) pixels[i] = i >= rarity * 37 ? pixels[i - rarity * 37] : noise;
    if (kind == 6) pixels[i] = (i > 0 ? pixels[i - 1] : base) + (noise & 0x03010201);
  }
}

/** Narrows the colours down to what formats are chosen by: gray, few levels, opaque, nearly so. */
void narrow(Random& random, uint32_t* pixels, size_t count) {
  const size_t kind = upTo(random, 8);
  const bool isOpaque = upTo(random, 1) != 0;
  constexpr uint32_t kLevels[] = {0x01, 0x03, 0x0f, 0xff};
  const uint32_t mask = kLevels[upTo(random, 3)];
  for (size_t i = 0; i < count; i++) {
    const uint32_t level = (pixels[i] & mask) * (0xff / mask);
    if (kind < 5) pixels[i] = level * 0x010101 | (pixels[i] & 0xff000000);
    if (isOpaque) pixels[i] |= 0xff000000;
  }
  if (kind == 3) pixels[upTo(random, count - 1)] ^= 0x0000ff00;
  if (kind == 4) pixels[upTo(random, count - 1)] &= 0x00ffffff;
}

uint32_t divided(uint32_t sample, uint32_t alpha) {
  return alpha == 0 ? 0 : std::min(255u, (sample * 255 + alpha / 2) / alpha);
}

}  // namespace

Picture makePicture(Random& random) {
  Picture picture;
  png::Image& image = picture.image;
  image.width = randomSize(random);
  image.height = std::min(randomSize(random), 1 + 400000 / image.width);
  image.layout = static_cast<png::Layout>(upTo(random, 6));
  image.isPremultiplied = upTo(random, 2) == 0;
  const size_t pixelBytes = png::bytesPerPixel(image.layout), rowBytes = image.width * pixelBytes;
  image.stride = rowBytes + (upTo(random, 1) != 0 ? 0 : upTo(random, 40));
  const auto pixels = std::make_unique<uint32_t[]>(image.width * image.height);
  paint(random, pixels.get(), image.width, image.height);
  narrow(random, pixels.get(), image.width * image.height);
  picture.memory.reset(new uint8_t[image.stride * (image.height - 1) + rowBytes]);
  for (size_t i = 0; i < image.width * image.height; i++) {
    uint8_t* to = picture.memory.get() + i / image.width * image.stride + i % image.width * pixelBytes;
    std::memcpy(to, &pixels[i], pixelBytes);
  }
  image.data = picture.memory.get();
  return picture;
}

uint32_t expectedPixel(const png::Image& image, png::Colour colour, size_t x, size_t y) {
  const uint8_t* at = image.data + y * image.stride + x * png::bytesPerPixel(image.layout);
  const bool isGray = image.layout == png::Layout::gray;
  uint32_t samples[3] = {at[0], isGray ? at[0] : at[1], isGray ? at[0] : at[2]};
  uint32_t alpha = png::hasAlpha(image.layout) ? at[3] : 255;
  if (png::isBlueFirst(image.layout)) std::swap(samples[0], samples[2]);
  if (image.isPremultiplied) {
    for (uint32_t& sample : samples) sample = divided(sample, alpha);
  }
  if (colour == png::Colour::rgb) alpha = 255;
  const uint32_t luma = (77 * samples[0] + 150 * samples[1] + 29 * samples[2] + 128) >> 8;
  if (colour == png::Colour::gray) return luma * 0x010101 | alpha << 24;
  return samples[0] | samples[1] << 8 | samples[2] << 16 | alpha << 24;
}

}  // namespace fuzz
