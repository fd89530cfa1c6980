#pragma once
#include "bytes.h"
#include "image.h"

namespace png {

/** What a reader of rows cannot do without; what is not needed costs nothing. */
struct RowNeeds {
  /** 4 bytes a pixel even from gray. */
  bool quads;
  /** 0xff in the fourth byte where the layout has no alpha. */
  bool alpha;
  /** Colours divided by alpha where the image is premultiplied. */
  bool straight;
};

/** The rows of an image as 1 or 4 bytes a pixel, in place where they are so already. */
class PixelRows {
 public:
  PixelRows(const Image& image, const RowNeeds& needs);
  size_t pixelBytes() const { return pixelBytes_; }
  /** Valid until the next call. */
  const uint8_t* row(size_t y);

 private:
  enum class Change : uint8_t { none, fromGray, fromTriples, fillAlpha, divide };
  static Change changeFor(const Image& image, const RowNeeds& needs);

  Image image_;
  Change change_;
  size_t pixelBytes_;
  Bytes changed_;
};

/** Divides the colours by alpha, rounding to nearest; all 0 where alpha is 0. */
uint32_t unpremultiply(uint32_t pixel);

}  // namespace png
