#pragma once
#include <memory>

#include "image.h"
#include "tokens.h"

namespace png {

/** Bytes to compress inside a window: copies may start from `floor` on, 8 bytes behind `end` are readable. */
struct Span {
  const uint8_t* floor;
  const uint8_t* begin;
  const uint8_t* end;
  /** Of `begin` in the whole stream, modulo 2^32. */
  uint32_t position;
};

/** Finds what repeats. Keeps what it learned from one span to the next, which must follow it in the stream. */
class Matcher {
 public:
  virtual ~Matcher() = default;
  /** `isSmooth`: filtered photographs, where only runs are worth looking for. */
  virtual void match(const Span& span, bool isSmooth, Tokens* tokens) = 0;
};

/** `runDistance`: bytes per complete pixel, the distance at which flat colour repeats. Throws std::bad_alloc. */
std::unique_ptr<Matcher> createMatcher(Level level, size_t runDistance);

}  // namespace png
