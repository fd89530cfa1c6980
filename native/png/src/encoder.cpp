#include "encoder.h"

#include <algorithm>

#include "deflater.h"
#include "filter.h"
#include "format.h"
#include "scanlines.h"

namespace png {
namespace {

/** Rows that share a filter and a Huffman code, and stay in the second-level cache from packing to writing. */
constexpr size_t kSegmentBytes = 256 * 1024;
void writeHeader(const Image& image, const Format& format, Output* output) {
  output->writeSignature();
  output->beginChunk("IHDR");
  output->bytes().append32(static_cast<uint32_t>(image.width));
  output->bytes().append32(static_cast<uint32_t>(image.height));
  // Bit depth, colour type; deflate, adaptive filters, no interlace.
  const uint8_t rest[] = {static_cast<uint8_t>(format.depth), static_cast<uint8_t>(format.colourType), 0, 0, 0};
  output->bytes().append(rest, sizeof rest);
  output->endChunk();
}

void writeResolution(uint32_t pixelsPerMetre, Output* output) {
  const uint8_t metre = 1;
  output->beginChunk("pHYs");
  output->bytes().append32(pixelsPerMetre);
  output->bytes().append32(pixelsPerMetre);
  output->bytes().append(&metre, 1);
  output->endChunk();
}

void writePalette(const Image& image, const Palette& palette, Output* output) {
  uint8_t alphas[256];
  size_t clear = 0;
  output->beginChunk("PLTE");
  for (size_t i = 0; i < palette.size(); i++) {
    const uint32_t found = palette.colour(i);
    const uint32_t pixel = image.isPremultiplied ? unpremultiply(found) : found;
    uint8_t colour[] = {static_cast<uint8_t>(pixel), static_cast<uint8_t>(pixel >> 8), static_cast<uint8_t>(pixel >> 16)};
    if (isBlueFirst(image.layout)) std::swap(colour[0], colour[2]);
    output->bytes().append(colour, sizeof colour);
    alphas[i] = static_cast<uint8_t>(pixel >> 24);
    if (alphas[i] != 0xff) clear = i + 1;
  }
  output->endChunk();
  if (clear == 0) return;
  output->beginChunk("tRNS");
  output->bytes().append(alphas, clear);
  output->endChunk();
}

/** Samples that are no amounts, as numbers of colours and joined bits, are better left as they are (12.7). */
bool isWorthFiltering(const Format& format) { return format.depth == 8 && format.colourType != ColourType::palette; }

void writePixels(const Image& image, const Format& format, Level level, Output* output) {
  const size_t rowBytes = format.rowBytes(image.width), pitch = rowBytes + 1;
  const size_t segmentRows = std::min(image.height, std::max<size_t>(1, kSegmentBytes / pitch));
  Scanlines scanlines(image, format);
  Filter filter(rowBytes, format.pixelBytes());
  Deflater deflater(output, level, segmentRows * pitch, format.pixelBytes());
  for (size_t y = 0; y < image.height; y += segmentRows) {
    const Rows rows = {deflater.segment(), std::min(segmentRows, image.height - y), pitch};
    for (size_t k = 0; k < rows.count; k++) {
      rows.bytes[k * pitch] = 0;
      scanlines.pack(y + k, rows.bytes + k * pitch + 1);
    }
    const bool isSmooth = isWorthFiltering(format) && filter.apply(rows);
    deflater.compress(rows.count * pitch, isSmooth, y + rows.count == image.height);
    output->splitData();
  }
}

}  // namespace

void encode(const Image& image, const Options& options, Output* output) {
  const Format format = chooseFormat(image, options.colour);
  writeHeader(image, format, output);
  if (format.palette != nullptr) writePalette(image, *format.palette, output);
  if (options.pixelsPerMetre > 0) writeResolution(options.pixelsPerMetre, output);
  output->beginChunk("IDAT");
  writePixels(image, format, options.level, output);
  output->endChunk();
  output->beginChunk("IEND");
  output->endChunk();
  output->finish();
}

}  // namespace png
