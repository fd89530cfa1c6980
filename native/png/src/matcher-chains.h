#pragma once
#include "matcher.h"

namespace png {

/** Level "small": every place of the window with the same next bytes, the better of two neighbours taken. */
class ChainMatcher final : public Matcher {
 public:
  explicit ChainMatcher(size_t runDistance) : runDistance_(runDistance) {}
  void match(const Span& span, bool isSmooth, Tokens* tokens) override;

 private:
  struct Found {
    size_t length;
    size_t distance;
  };
  Found find(const uint8_t* at, const Span& span, size_t atLeast);
  void insert(const uint8_t* at, const Span& span);
  void insertAll(const uint8_t* from, const uint8_t* to, const Span& span);

  size_t slotOf(const uint8_t* at) const;

  static constexpr unsigned kHashBits = 15;
  size_t runDistance_;
  /** Shortest copy worth its bits in the span at hand, and a mask of as many bytes: what is hashed. */
  size_t minCopy_ = 0;
  uint64_t hashedBytes_ = 0;
  /** Positions modulo 2^16; `previous_` is indexed by position modulo the window. Stale entries fail the comparison. */
  uint16_t heads_[1 << kHashBits] = {};
  uint16_t previous_[kWindowBytes] = {};
};

}  // namespace png
