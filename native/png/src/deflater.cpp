#include "deflater.h"

#include <algorithm>

#include "kernels.h"

namespace png {
namespace {

/** Matchers read up to 8 bytes behind the end. */
constexpr size_t kPadding = 16;

}  // namespace

Deflater::Deflater(Output* output, Level level, size_t segmentBytes, size_t runDistance)
    : output_(output),
      window_(kWindowBytes + segmentBytes + kPadding),
      tokens_(segmentBytes),
      matcher_(createMatcher(level, runDistance)) {
  // Compared with, never copied from, before the stream is a window long.
  std::memset(window_.data(), 0, kWindowBytes + segmentBytes + kPadding);
  // 32 KiB window, no dictionary; the level bits are informative (RFC 1950, 2.2).
  const uint8_t head[] = {0x78, 0x01};
  output_->bytes().append(head, sizeof head);
}

void Deflater::compress(size_t bytes, bool isSmooth, bool isLast) {
  const uint8_t* end = segment() + bytes;
  adler_ = kernels().adler32(adler_, segment(), bytes);
  tokens_.begin(segment());
  matcher_->match({segment() - history_, segment(), end, position_}, isSmooth, &tokens_);
  tokens_.end(end);
  writeBlock(tokens_, isLast, &tail_, &output_->bytes());
  position_ += static_cast<uint32_t>(bytes);
  history_ = std::min(kWindowBytes, history_ + bytes);
  std::memmove(segment() - history_, end - history_, history_);
  if (isLast) finish();
}

void Deflater::finish() {
  if (tail_.count > 0) {
    const uint8_t rest = static_cast<uint8_t>(tail_.bits);
    output_->bytes().append(&rest, 1);
  }
  output_->bytes().append32(adler_);
}

}  // namespace png
