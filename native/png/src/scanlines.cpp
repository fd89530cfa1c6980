#include "scanlines.h"

namespace png {
namespace {

/** Joins samples of 1, 2 or 4 bits, given in the low bits of a byte each; the first goes to the highest bits. */
void joinSamples(uint8_t* out, const uint8_t* samples, size_t count, unsigned depth) {
  const size_t perByte = 8 / depth;
  for (size_t i = 0; i < count; i += perByte) {
    unsigned joined = 0;
    for (size_t k = 0; k < perByte; k++) joined = joined << depth | (i + k < count ? samples[i + k] : 0u);
    *out++ = static_cast<uint8_t>(joined);
  }
}

/** The same for one bit: a multiplication shifts each of eight samples to its place in the top byte. */
void joinBits(uint8_t* out, const uint8_t* samples, size_t count) {
  size_t i = 0;
  for (; i + 8 <= count; i += 8) *out++ = static_cast<uint8_t>(load64(samples + i) * 0x8040201008040201u >> 56);
  joinSamples(out, samples + i, count - i, 1);
}

RowNeeds needsOf(const Format& format) {
  const bool writesColour = format.colourType == ColourType::rgb || format.colourType == ColourType::rgba;
  const bool isPalette = format.colourType == ColourType::palette;
  return {writesColour, format.colourType == ColourType::rgba, !format.isOpaque && !isPalette};
}

}  // namespace

Scanlines::Scanlines(const Image& image, const Format& format)
    : kernel_(kernels()),
      format_(format),
      rows_(image, needsOf(format)),
      width_(image.width),
      isBlueFirst_(isBlueFirst(image.layout)),
      samples_(image.width) {}

void Scanlines::pack(size_t y, uint8_t* out) {
  const uint8_t* row = rows_.row(y);
  if (format_.depth == 8) return packPixels(row, out);
  uint8_t* samples = samples_.data();
  packPixels(row, samples);
  if (format_.colourType == ColourType::gray) {
    for (size_t x = 0; x < width_; x++) samples[x] = static_cast<uint8_t>(samples[x] >> (8 - format_.depth));
  }
  if (format_.depth == 1) return joinBits(out, samples, width_);
  joinSamples(out, samples, width_, format_.depth);
}

void Scanlines::packPixels(const uint8_t* row, uint8_t* out) {
  switch (format_.colourType) {
    case ColourType::palette:
      return format_.palette->indexRow(out, row, width_);
    case ColourType::gray:
      if (rows_.pixelBytes() == 1) {
        std::memcpy(out, row, width_);
        return;
      }
      return format_.isLuma ? kernel_.toLuma(out, row, width_, isBlueFirst_) : kernel_.toGray(out, row, width_);
    case ColourType::grayAlpha:
      return packGrayAlpha(row, out);
    case ColourType::rgb:
      return kernel_.toRgb(out, row, width_, isBlueFirst_);
    case ColourType::rgba:
      return kernel_.toRgba(out, row, width_, isBlueFirst_);
  }
}

void Scanlines::packGrayAlpha(const uint8_t* row, uint8_t* out) {
  kernel_.toGrayAlpha(out, row, width_);
  if (!format_.isLuma) return;
  uint8_t* luma = samples_.data();
  kernel_.toLuma(luma, row, width_, isBlueFirst_);
  for (size_t x = 0; x < width_; x++) out[2 * x] = luma[x];
}

}  // namespace png
