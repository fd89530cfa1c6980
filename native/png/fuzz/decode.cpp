#include "decode.h"

#include <zlib.h>

#include <cstdlib>
#include <cstring>

namespace fuzz {
namespace {

struct File {
  uint32_t width = 0, height = 0;
  unsigned depth = 0, type = 0;
  std::vector<uint8_t> palette, alphas, data;
  bool isEnded = false;
};

uint32_t read32(const uint8_t* from) {
  return static_cast<uint32_t>(from[0]) << 24 | from[1] << 16 | from[2] << 8 | from[3];
}

std::string readChunks(const uint8_t* file, size_t bytes, File* out) {
  if (bytes < 8 || std::memcmp(file, "\x89PNG\r\n\x1a\n", 8) != 0) return "signature";
  size_t at = 8;
  while (at < bytes) {
    if (bytes - at < 12 || read32(file + at) > bytes - at - 12) return "chunk length";
    const uint32_t length = read32(file + at);
    const uint8_t* content = file + at + 8;
    if (crc32(0, content - 4, length + 4) != read32(content + length)) return "chunk CRC";
    const std::string name(content - 4, content);
    if (name == "IHDR") {
      if (length != 13 || content[10] != 0 || content[11] != 0 || content[12] != 0) return "IHDR";
      out->width = read32(content);
      out->height = read32(content + 4);
      out->depth = content[8];
      out->type = content[9];
    }
    if (name == "PLTE") out->palette.assign(content, content + length);
    if (name == "tRNS") out->alphas.assign(content, content + length);
    if (name == "IDAT") out->data.insert(out->data.end(), content, content + length);
    if (name == "IEND") out->isEnded = true;
    at += length + 12;
  }
  return out->isEnded && at == bytes ? "" : "IEND";
}

uint8_t predict(unsigned filter, int left, int up, int corner) {
  if (filter == 1) return static_cast<uint8_t>(left);
  if (filter == 2) return static_cast<uint8_t>(up);
  if (filter != 4) return 0;
  const int toLeft = std::abs(up - corner), toUp = std::abs(left - corner), toCorner = std::abs(left + up - 2 * corner);
  return static_cast<uint8_t>(toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner);
}

std::string unfilter(std::vector<uint8_t>* raw, size_t rowBytes, size_t bpp, size_t height) {
  for (size_t y = 0; y < height; y++) {
    uint8_t* row = raw->data() + y * (rowBytes + 1) + 1;
    const uint8_t* above = y > 0 ? row - rowBytes - 1 : nullptr;
    const unsigned filter = row[-1];
    if (filter > 4 || filter == 3) return "filter type";
    for (size_t i = 0; i < rowBytes; i++) {
      const int left = i >= bpp ? row[i - bpp] : 0, up = above != nullptr ? above[i] : 0;
      const int corner = i >= bpp && above != nullptr ? above[i - bpp] : 0;
      row[i] = static_cast<uint8_t>(row[i] + predict(filter, left, up, corner));
    }
  }
  return "";
}

uint32_t pixelAt(const File& file, const uint8_t* row, size_t x) {
  if (file.type == 6) return read32(row + 4 * x) >> 24 | row[4 * x + 1] << 8 | row[4 * x + 2] << 16 | row[4 * x + 3] << 24;
  if (file.type == 2) return row[3 * x] | row[3 * x + 1] << 8 | row[3 * x + 2] << 16 | 0xff000000u;
  if (file.type == 4) return row[2 * x] * 0x010101u | static_cast<uint32_t>(row[2 * x + 1]) << 24;
  const size_t bit = x * file.depth, mask = (1u << file.depth) - 1;
  const size_t sample = row[bit / 8] >> (8 - file.depth - bit % 8) & mask;
  if (file.type == 0) return static_cast<uint32_t>(sample * (255 / mask)) * 0x010101u | 0xff000000u;
  if (3 * sample + 2 >= file.palette.size()) return 0;
  const uint8_t* colour = file.palette.data() + 3 * sample;
  const uint32_t alpha = sample < file.alphas.size() ? file.alphas[sample] : 255;
  return colour[0] | colour[1] << 8 | colour[2] << 16 | alpha << 24;
}

}  // namespace

Decoded decode(const uint8_t* bytes, size_t count) {
  Decoded result;
  File file;
  result.fault = readChunks(bytes, count, &file);
  if (!result.fault.empty()) return result;
  const size_t channels = file.type == 6 ? 4 : file.type == 2 ? 3 : file.type == 4 ? 2 : 1;
  const size_t rowBytes = (file.width * channels * file.depth + 7) / 8;
  std::vector<uint8_t> raw((rowBytes + 1) * file.height + 1);
  uLongf length = raw.size();
  const bool isWhole = uncompress(raw.data(), &length, file.data.data(), file.data.size()) == Z_OK;
  if (!isWhole || length + 1 != raw.size()) result.fault = "IDAT";
  if (result.fault.empty()) result.fault = unfilter(&raw, rowBytes, file.depth < 8 ? 1 : channels, file.height);
  result.width = file.width;
  result.height = file.height;
  for (size_t i = 0; i < size_t{file.width} * file.height && result.fault.empty(); i++) {
    result.pixels.push_back(pixelAt(file, raw.data() + i / file.width * (rowBytes + 1) + 1, i % file.width));
  }
  return result;
}

}  // namespace fuzz
