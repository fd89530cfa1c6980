#include "huffman.h"

#include <algorithm>

namespace png {
namespace {

struct Leaf {
  uint32_t count;
  uint16_t symbol;
};

/**
 * Code lengths in place of ascending counts: Moffat and Katajainen, "In-Place Calculation of Minimum-Redundancy
 * Codes", 1995. Afterwards values[i] is the depth of leaf i, deepest first.
 */
void minimumRedundancy(uint32_t* values, int count) {
  int root = 0, leaf = 2;
  values[0] += values[1];
  for (int next = 1; next < count - 1; next++) {
    for (int half = 0; half < 2; half++) {
      uint32_t taken;
      if (leaf >= count || (root < next && values[root] < values[leaf])) {
        taken = values[root];
        values[root++] = static_cast<uint32_t>(next);
      } else {
        taken = values[leaf++];
      }
      values[next] = half == 0 ? taken : values[next] + taken;
    }
  }
  values[count - 2] = 0;
  for (int next = count - 3; next >= 0; next--) values[next] = values[values[next]] + 1;
  int available = 1, used = 0, next = count - 1;
  uint32_t depth = 0;
  root = count - 2;
  while (available > 0) {
    while (root >= 0 && values[root] == depth) {
      used++;
      root--;
    }
    while (available > used) {
      values[next--] = depth;
      available--;
    }
    available = 2 * used;
    depth++;
    used = 0;
  }
}

/** Shortens words above the limit and lengthens others until Kraft's sum is whole again. */
void limitLengths(uint32_t* perLength, unsigned longest, unsigned maxLength) {
  if (longest <= maxLength) return;
  for (unsigned length = maxLength + 1; length <= longest; length++) perLength[maxLength] += perLength[length];
  uint32_t total = 0;
  for (unsigned length = maxLength; length > 0; length--) total += perLength[length] << (maxLength - length);
  while (total != 1u << maxLength) {
    perLength[maxLength]--;
    unsigned length = maxLength - 1;
    while (perLength[length] == 0) length--;
    perLength[length]--;
    perLength[length + 1] += 2;
    total--;
  }
}

uint16_t reverseBits(unsigned word, unsigned length) {
  unsigned reversed = 0;
  for (unsigned bit = 0; bit < length; bit++) reversed |= (word >> bit & 1) << (length - 1 - bit);
  return static_cast<uint16_t>(reversed);
}

void assignWords(HuffmanCode* code, size_t symbols, const uint32_t* perLength, unsigned maxLength) {
  unsigned next[17] = {};
  for (unsigned length = 1; length <= maxLength; length++) next[length + 1] = (next[length] + perLength[length]) << 1;
  for (size_t symbol = 0; symbol < symbols; symbol++) {
    const unsigned length = code->lengths[symbol];
    code->words[symbol] = length == 0 ? uint16_t{0} : reverseBits(next[length]++, length);
  }
}

}  // namespace

void HuffmanCode::build(const uint32_t* counts, size_t symbols, unsigned maxLength) {
  Leaf leaves[kMaxSymbols];
  int used = 0;
  for (size_t symbol = 0; symbol < symbols; symbol++) {
    lengths[symbol] = 0;
    if (counts[symbol] > 0) leaves[used++] = {counts[symbol], static_cast<uint16_t>(symbol)};
  }
  for (uint16_t symbol = 0; used < 2; symbol++) {
    if (counts[symbol] == 0) leaves[used++] = {1, symbol};
  }
  std::sort(leaves, leaves + used, [](const Leaf& a, const Leaf& b) {
    return a.count != b.count ? a.count < b.count : a.symbol < b.symbol;
  });
  uint32_t depths[kMaxSymbols];
  for (int i = 0; i < used; i++) depths[i] = leaves[i].count;
  minimumRedundancy(depths, used);

  uint32_t perLength[kMaxSymbols] = {};
  for (int i = 0; i < used; i++) perLength[depths[i]]++;
  limitLengths(perLength, depths[0], maxLength);
  int leaf = 0;
  for (unsigned length = maxLength; length > 0; length--) {
    for (uint32_t k = 0; k < perLength[length]; k++) lengths[leaves[leaf++].symbol] = static_cast<uint8_t>(length);
  }
  assignWords(this, symbols, perLength, maxLength);
}

}  // namespace png
