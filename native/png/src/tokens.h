#pragma once
#include <memory>
#include <new>

#include "bytes.h"

namespace png {

constexpr size_t kWindowBytes = 32768;
constexpr size_t kMinMatch = 3;
constexpr size_t kMaxMatch = 258;

/** So many literals, then a copy of `length` bytes from `distance` back; length 0: the literals only. */
struct Token {
  uint32_t literals;
  uint16_t length;
  uint16_t distance;
};

/** What a matcher says about one block of bytes, in order. Distance 32768 is stored as 32768: it fits 16 bits. */
class Tokens {
 public:
  /** Enough for every block of at most `maxBytes`, since each token but the last covers a match. */
  explicit Tokens(size_t maxBytes) : tokens_(new Token[maxBytes / kMinMatch + 2]) {}

  void begin(const uint8_t* from) {
    count_ = 0;
    pending_ = start_ = from;
  }

  /** `at` is where the copy starts; everything since the last copy is literals. Any length of at least kMinMatch. */
  void match(const uint8_t* at, size_t length, size_t distance) {
    uint32_t literals = static_cast<uint32_t>(at - pending_);
    pending_ = at + length;
    while (length > kMaxMatch) {
      // Never leaves a rest that is too short for a match of its own.
      const size_t part = length - kMaxMatch < kMinMatch ? kMaxMatch - kMinMatch : kMaxMatch;
      add(literals, part, distance);
      literals = 0;
      length -= part;
    }
    add(literals, length, distance);
  }

  void end(const uint8_t* to) {
    add(static_cast<uint32_t>(to - pending_), 0, 0);
    pending_ = to;
  }

  const Token* data() const { return tokens_.get(); }
  size_t count() const { return count_; }
  const uint8_t* start() const { return start_; }
  /** Bytes covered, once ended. */
  size_t bytes() const { return static_cast<size_t>(pending_ - start_); }

 private:
  void add(uint32_t literals, size_t length, size_t distance) {
    tokens_[count_++] = {literals, static_cast<uint16_t>(length), static_cast<uint16_t>(distance)};
  }

  std::unique_ptr<Token[]> tokens_;
  size_t count_ = 0;
  const uint8_t* start_ = nullptr;
  const uint8_t* pending_ = nullptr;
};

/** How many bytes from `a` on equal those from `b` on, up to `limit` behind `a`; reads 8 bytes past the limit at most. */
inline size_t matchLength(const uint8_t* a, const uint8_t* b, const uint8_t* limit) {
  const uint8_t* from = a;
  while (a < limit) {
    const uint64_t difference = load64(a) ^ load64(b);
    if (difference != 0) {
      a += __builtin_ctzll(difference) / 8;
      break;
    }
    a += 8;
    b += 8;
  }
  return static_cast<size_t>((a < limit ? a : limit) - from);
}

}  // namespace png
