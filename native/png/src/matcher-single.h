#pragma once
#include "matcher.h"

namespace png {

/** Level "fast": runs first, then one remembered place per hash of the next bytes, taken as found. */
class SingleMatcher final : public Matcher {
 public:
  explicit SingleMatcher(size_t runDistance);
  void match(const Span& span, bool isSmooth, Tokens* tokens) override;

 private:
  void matchRuns(const uint8_t* at, const Span& span, Tokens* tokens) const;
  void matchAll(const uint8_t* at, const Span& span, Tokens* tokens);

  static constexpr unsigned kHashBits = 14;
  size_t runDistance_;
  /** A shorter copy is not looked for, as it would cost more than its literals. */
  size_t minCopy_;
  /** Positions modulo 2^16. What is found is compared byte by byte, so a stale or unset entry is harmless. */
  uint16_t heads_[1 << kHashBits] = {};
};

}  // namespace png
