#pragma once
#include <memory>

#include "deflate-block.h"
#include "matcher.h"
#include "output.h"

namespace png {

/** A zlib stream (RFC 1950) into the open chunk of `output`, one block per segment. */
class Deflater {
 public:
  /** `segmentBytes` is the most that one `compress` may take. */
  Deflater(Output* output, Level level, size_t segmentBytes, size_t runDistance);

  /** Where the next segment is to be put; the end of the last one lies before it. */
  uint8_t* segment() { return window_.data() + kWindowBytes; }
  /** Takes the first `bytes` of the segment; `isSmooth` as in Matcher. */
  void compress(size_t bytes, bool isSmooth, bool isLast);

 private:
  void finish();

  Output* output_;
  Bytes window_;
  Tokens tokens_;
  std::unique_ptr<Matcher> matcher_;
  BitTail tail_;
  uint32_t adler_ = 1;
  size_t history_ = 0;
  uint32_t position_ = 0;
};

}  // namespace png
