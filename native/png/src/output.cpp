#include "output.h"

#include <unistd.h>

#include <cerrno>

#include "crc32.h"

namespace png {
namespace {

constexpr size_t kHandOverBytes = 512 * 1024;
/** A chunk's length has 31 bits (PNG third edition, 5.3). */
constexpr size_t kMaxChunkBytes = size_t{1} << 30;
/** Length and type before the content. */
constexpr size_t kChunkHead = 8;

void put32(uint8_t* to, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) *to++ = static_cast<uint8_t>(value >> shift);
}

void writeAll(int descriptor, const uint8_t* data, size_t bytes) {
  while (bytes > 0) {
    const ssize_t written = ::write(descriptor, data, bytes);
    if (written >= 0) {
      data += written;
      bytes -= static_cast<size_t>(written);
    } else if (errno != EINTR) {
      throw WriteError{errno};
    }
  }
}

}  // namespace

void Output::writeSignature() { bytes_.append("\x89PNG\r\n\x1a\n", 8); }

void Output::beginChunk(const char (&type)[5]) {
  chunkStart_ = bytes_.size();
  bytes_.append32(0);
  bytes_.append(type, 4);
}

void Output::endChunk() {
  uint8_t* chunk = bytes_.data() + chunkStart_;
  const size_t length = bytes_.size() - chunkStart_ - kChunkHead;
  put32(chunk, static_cast<uint32_t>(length));
  bytes_.append32(crc32(0, chunk + 4, length + 4));
}

void Output::splitData() {
  const size_t length = bytes_.size() - chunkStart_;
  if (length < (descriptor_ < 0 ? kMaxChunkBytes : kHandOverBytes)) return;
  endChunk();
  if (descriptor_ >= 0) handOver();
  beginChunk("IDAT");
}

void Output::finish() {
  if (descriptor_ >= 0) handOver();
}

void Output::handOver() {
  writeAll(descriptor_, bytes_.data(), bytes_.size());
  handedOver_ += bytes_.size();
  bytes_.clear();
}

}  // namespace png
