#include "matcher-chains.h"

#include <algorithm>

namespace png {
namespace {

constexpr size_t kMinCopy = 3;
/** Differences have so few values that short copies cost more than they save. */
constexpr size_t kMinSmoothCopy = 6;
constexpr size_t kMinRun = 3;
constexpr unsigned kMaxProbes = 128;

}  // namespace

size_t ChainMatcher::slotOf(const uint8_t* at) const {
  return (load64(at) & hashedBytes_) * 0x9e3779b185ebca87u >> (64 - kHashBits);
}

void ChainMatcher::insert(const uint8_t* at, const Span& span) {
  const uint32_t position = span.position + static_cast<uint32_t>(at - span.begin);
  uint16_t& head = heads_[slotOf(at)];
  previous_[position % kWindowBytes] = head;
  head = static_cast<uint16_t>(position);
}

void ChainMatcher::insertAll(const uint8_t* from, const uint8_t* to, const Span& span) {
  // Inside long runs every place has the same next bytes: the two ends are enough, and chains stay short.
  constexpr ptrdiff_t kEnds = 16;
  if (to - from > 4 * kEnds) {
    insertAll(from, from + kEnds, span);
    from = to - kEnds;
  }
  for (; from < to; from++) insert(from, span);
}

ChainMatcher::Found ChainMatcher::find(const uint8_t* at, const Span& span, size_t atLeast) {
  Found best = {std::max(atLeast, minCopy_ - 1), 0};
  if (static_cast<size_t>(at - span.floor) >= runDistance_) {
    const size_t length = matchLength(at, at - runDistance_, span.end);
    if (length > atLeast && length >= kMinRun) best = {length, runDistance_};
  }
  const uint32_t position = span.position + static_cast<uint32_t>(at - span.begin);
  const size_t reach = std::min(kWindowBytes - 1, static_cast<size_t>(at - span.floor));
  // One token's worth: a run that starts further on goes cheaper with the run distance.
  const uint8_t* limit = at + std::min(kMaxMatch, static_cast<size_t>(span.end - at));
  const size_t available = static_cast<size_t>(limit - at);
  uint16_t candidate = heads_[slotOf(at)];
  size_t last = 0;
  for (unsigned probe = 0; probe < kMaxProbes && best.length < kMaxMatch && best.length < available; probe++) {
    const size_t distance = static_cast<uint16_t>(position - candidate);
    if (distance <= last || distance > reach) break;
    last = distance;
    candidate = previous_[candidate % kWindowBytes];
    const uint8_t* there = at - distance;
    if (there[best.length] != at[best.length] || ((load64(there) ^ load64(at)) & hashedBytes_) != 0) continue;
    const size_t length = matchLength(at, there, limit);
    if (length > best.length) best = {length, distance};
  }
  return best;
}

void ChainMatcher::match(const Span& span, bool isSmooth, Tokens* tokens) {
  const uint8_t* at = span.begin;
  minCopy_ = isSmooth ? kMinSmoothCopy : kMinCopy;
  hashedBytes_ = (uint64_t{1} << 8 * minCopy_) - 1;
  while (at + kMinCopy <= span.end) {
    Found found = find(at, span, 0);
    insert(at, span);
    if (found.distance == 0) {
      at++;
      continue;
    }
    while (found.length < kMaxMatch && at + 1 + kMinCopy <= span.end) {
      const Found later = find(at + 1, span, found.length);
      if (later.distance == 0) break;
      insert(++at, span);
      found = later;
    }
    tokens->match(at, found.length, found.distance);
    insertAll(at + 1, at + found.length, span);
    at += found.length;
  }
}

}  // namespace png
