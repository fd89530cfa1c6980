#pragma once
#include "format.h"
#include "kernels.h"
#include "pixel-rows.h"

namespace png {

/** The rows of an image as the samples of a PNG, before filtering. */
class Scanlines {
 public:
  /** Both must outlive it. */
  Scanlines(const Image& image, const Format& format);
  /** Writes format.rowBytes(width) bytes. */
  void pack(size_t y, uint8_t* out);

 private:
  void packPixels(const uint8_t* row, uint8_t* out);
  void packGrayAlpha(const uint8_t* row, uint8_t* out);

  const Kernels& kernel_;
  const Format& format_;
  PixelRows rows_;
  size_t width_;
  bool isBlueFirst_;
  /** One sample a byte, before they are joined or paired. */
  Bytes samples_;
};

}  // namespace png
