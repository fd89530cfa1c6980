#include "format.h"

#include "kernels.h"
#include "pixel-rows.h"

namespace png {
namespace {

constexpr size_t kSampleEvery = 16;

struct Findings {
  Seen seen;
  /** Null as soon as there are more than 256 colours, and for gray sources. */
  std::unique_ptr<Palette> palette;
};

/** Most pages with too many colours show it in a few rows; numbers do not depend on the order of rows. */
bool hasFewColours(const Image& image, PixelRows* rows, Palette* palette) {
  for (size_t y = 0; y < image.height; y += kSampleEvery) {
    if (!palette->addRow(rows->row(y), image.width)) return false;
  }
  return true;
}

/** Stops where nothing more can be found: the dearest format is certain. */
Findings inspectPixels(const Image& image) {
  const Kernels& kernel = kernels();
  PixelRows rows(image, {false, false, false});
  Findings found;
  const bool mayBeClear = hasAlpha(image.layout);
  if (rows.pixelBytes() == 4) found.palette = std::make_unique<Palette>(mayBeClear);
  size_t counted = 0;
  for (size_t y = 0; y < image.height; y++) {
    kernel.inspect(rows.row(y), image.width, rows.pixelBytes(), &found.seen);
    if (!mayBeClear) found.seen.alpha = 0;
    if (found.seen.colour == 0 && found.seen.alpha == 0) continue;
    // The gray rows above the first colour are counted only now: most pages never need it.
    if (counted == 0 && found.palette != nullptr && !hasFewColours(image, &rows, found.palette.get())) {
      found.palette.reset();
    }
    while (found.palette != nullptr && counted <= y) {
      if (!found.palette->addRow(rows.row(counted++), image.width)) found.palette.reset();
    }
    if (found.palette == nullptr && found.seen.colour != 0 && (found.seen.alpha != 0 || !mayBeClear)) break;
  }
  return found;
}

/** Gray by weights: the levels are known only once they are computed. */
Seen inspectLuma(const Image& image) {
  const Kernels& kernel = kernels();
  PixelRows rows(image, {false, false, false});
  Bytes luma(image.width);
  Seen seen, levels;
  for (size_t y = 0; y < image.height; y++) {
    const uint8_t* row = rows.row(y);
    if (hasAlpha(image.layout)) kernel.inspect(row, image.width, rows.pixelBytes(), &seen);
    const bool isGray = rows.pixelBytes() == 1;
    if (!isGray) kernel.toLuma(luma.data(), row, image.width, isBlueFirst(image.layout));
    kernel.inspect(isGray ? row : luma.data(), image.width, 1, &levels);
  }
  levels.alpha = seen.alpha;
  return levels;
}

unsigned grayDepth(const Seen& seen) {
  if (seen.beyond1 == 0) return 1;
  if (seen.beyond2 == 0) return 2;
  return seen.beyond4 == 0 ? 4 : 8;
}

unsigned paletteDepth(size_t colours) {
  if (colours <= 2) return 1;
  if (colours <= 4) return 2;
  return colours <= 16 ? 4 : 8;
}

Format grayFormat(const Seen& seen, bool isLuma) {
  if (seen.alpha != 0) return {ColourType::grayAlpha, 8, isLuma, false, nullptr};
  return {ColourType::gray, grayDepth(seen), isLuma, true, nullptr};
}

}  // namespace

size_t Format::channels() const {
  switch (colourType) {
    case ColourType::gray:
    case ColourType::palette:
      return 1;
    case ColourType::grayAlpha:
      return 2;
    case ColourType::rgb:
      return 3;
    case ColourType::rgba:
      return 4;
  }
  return 4;
}

Format chooseFormat(const Image& image, Colour colour) {
  if (colour == Colour::rgb) return {ColourType::rgb, 8, false, false, nullptr};
  if (colour == Colour::rgba) return {ColourType::rgba, 8, false, false, nullptr};
  if (colour == Colour::gray) return grayFormat(inspectLuma(image), image.layout != Layout::gray);
  Findings found = inspectPixels(image);
  const bool isOpaque = found.seen.alpha == 0;
  if (found.palette != nullptr && found.palette->size() > 0) {
    found.palette->sort(isBlueFirst(image.layout));
    return {ColourType::palette, paletteDepth(found.palette->size()), false, isOpaque, std::move(found.palette)};
  }
  if (found.seen.colour == 0) return grayFormat(found.seen, false);
  return {isOpaque ? ColourType::rgb : ColourType::rgba, 8, false, isOpaque, nullptr};
}

}  // namespace png
