#include "matcher-single.h"

#include <algorithm>

namespace png {
namespace {

constexpr size_t kMinRun = 4;

}  // namespace

SingleMatcher::SingleMatcher(size_t runDistance)
    // A copy from far away costs some 22 bits, as much as four or five gray samples; a colour repeats often enough.
    : runDistance_(runDistance), minCopy_(runDistance == 1 ? 6 : std::max(runDistance, kMinMatch)) {}

void SingleMatcher::match(const Span& span, bool isSmooth, Tokens* tokens) {
  const uint8_t* first = span.begin;
  if (static_cast<size_t>(first - span.floor) < runDistance_) first = std::min(span.floor + runDistance_, span.end);
  if (isSmooth) {
    matchRuns(first, span, tokens);
  } else {
    matchAll(first, span, tokens);
  }
}

void SingleMatcher::matchRuns(const uint8_t* at, const Span& span, Tokens* tokens) const {
  while (at + kMinRun <= span.end) {
    const uint64_t difference = load64(at) ^ load64(at - runDistance_);
    if ((difference & 0xffffffff) != 0) {
      // The last differing byte among the first four: no run can start before it has passed.
      at += (31 - static_cast<unsigned>(__builtin_clz(static_cast<uint32_t>(difference)))) / 8 + 1;
      continue;
    }
    const size_t length = matchLength(at, at - runDistance_, span.end);
    tokens->match(at, length, runDistance_);
    at += length;
  }
}

void SingleMatcher::matchAll(const uint8_t* at, const Span& span, Tokens* tokens) {
  const uint32_t base = span.position;
  const uint8_t* const begin = span.begin;
  const size_t minCopy = minCopy_;
  const uint64_t hashedBytes = (uint64_t{1} << 8 * minCopy) - 1;
  const uint8_t* missedSince = at;
  while (at + minCopy <= span.end) {
    const uint64_t next = load64(at);
    const uint64_t difference = next ^ load64(at - runDistance_);
    if ((difference & 0xffffffff) == 0) {
      const size_t length = matchLength(at, at - runDistance_, span.end);
      tokens->match(at, length, runDistance_);
      at += length;
      missedSince = at;
      continue;
    }
    const uint32_t position = base + static_cast<uint32_t>(at - begin);
    uint16_t& head = heads_[(next & hashedBytes) * 0x9e3779b185ebca87u >> (64 - kHashBits)];
    const size_t distance = static_cast<uint16_t>(position - head);
    head = static_cast<uint16_t>(position);
    if (distance - 1 < kWindowBytes && distance <= static_cast<size_t>(at - span.floor) &&
        ((next ^ load64(at - distance)) & hashedBytes) == 0) {
      // One token's worth: a run that starts further on goes cheaper with the run distance.
      const uint8_t* limit = at + std::min(kMaxMatch, static_cast<size_t>(span.end - at));
      const size_t length = matchLength(at, at - distance, limit);
      tokens->match(at, length, distance);
      at += length;
      missedSince = at;
      continue;
    }
    at += runDistance_ + (static_cast<size_t>(at - missedSince) >> 6);
  }
}

}  // namespace png
