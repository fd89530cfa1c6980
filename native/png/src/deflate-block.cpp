#include "deflate-block.h"

#include <algorithm>
#include <array>

#include "huffman.h"

namespace png {
namespace {

constexpr size_t kLiteralSymbols = 286, kDistanceSymbols = 30, kLengthSymbols = 19;
constexpr size_t kEndOfBlock = 256;
/** Four literals and the 7 bits before them still fit 64 bits. */
constexpr unsigned kMaxLiteralBits = 14, kMaxDistanceBits = 15, kMaxLengthBits = 7;
constexpr size_t kMaxStored = 65535;
/** RFC 1951, 3.2.7. */
constexpr uint8_t kLengthOrder[kLengthSymbols] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};

struct Range {
  uint16_t symbol, base;
  uint8_t extraBits;
};

/** RFC 1951, 3.2.5: the symbol and the extra bits of every match length. */
constexpr std::array<Range, kMaxMatch + 1> makeLengths() {
  std::array<Range, kMaxMatch + 1> ranges{};
  uint16_t length = kMinMatch;
  for (uint16_t symbol = 257; symbol < 285; symbol++) {
    const uint8_t extra = symbol < 265 ? 0 : static_cast<uint8_t>((symbol - 261) / 4);
    const uint16_t base = length;
    for (int k = 0; k < 1 << extra; k++) ranges[length++] = {symbol, base, extra};
  }
  ranges[kMaxMatch] = {285, kMaxMatch, 0};
  return ranges;
}

constexpr auto kLengths = makeLengths();

/** Distance symbols pair up per power of two, so they follow from the highest bit and the one below it. */
inline Range distanceRange(uint32_t distance) {
  const uint32_t value = distance - 1;
  if (value < 4) return {static_cast<uint16_t>(value), static_cast<uint16_t>(value), 0};
  const unsigned top = 31 - static_cast<unsigned>(__builtin_clz(value));
  const unsigned symbol = 2 * top + (value >> (top - 1) & 1);
  const uint32_t base = value & ~((1u << (top - 1)) - 1);
  return {static_cast<uint16_t>(symbol), static_cast<uint16_t>(base), static_cast<uint8_t>(top - 1)};
}

class BitWriter {
 public:
  BitWriter(const BitTail& tail, uint8_t* to) : bits_(tail.bits), count_(tail.count), to_(to) {}

  void put(uint64_t bits, unsigned count) {
    bits_ |= bits << count_;
    count_ += count;
  }
  /** Leaves at most 7 bits; writes up to 8 bytes, of which only the whole ones count. */
  void flush() {
    store64(to_, bits_);
    to_ += count_ >> 3;
    bits_ >>= count_ & ~7u;
    count_ &= 7;
  }
  void align() {
    count_ = (count_ + 7) & ~7u;
    flush();
  }
  void copy(const uint8_t* from, size_t bytes) {
    std::memcpy(to_, from, bytes);
    to_ += bytes;
  }
  uint8_t* end() const { return to_; }
  BitTail tail() const { return {bits_, count_}; }

 private:
  uint64_t bits_;
  unsigned count_;
  uint8_t* to_;
};

struct Counts {
  uint32_t literals[kLiteralSymbols] = {};
  uint32_t distances[kDistanceSymbols] = {};
  uint64_t extraBits = 0;
};

void countTokens(const Tokens& tokens, Counts* counts) {
  // Four tables, as equal neighbours would wait for each other's increment.
  uint32_t tables[4][256] = {};
  const uint8_t* at = tokens.start();
  for (size_t i = 0; i < tokens.count(); i++) {
    const Token& token = tokens.data()[i];
    const uint8_t* end = at + token.literals;
    for (; at + 4 <= end; at += 4) {
      const uint32_t four = load32(at);
      tables[0][four & 0xff]++;
      tables[1][four >> 8 & 0xff]++;
      tables[2][four >> 16 & 0xff]++;
      tables[3][four >> 24]++;
    }
    while (at < end) tables[0][*at++]++;
    at += token.length;
    if (token.length == 0) continue;
    const Range distance = distanceRange(token.distance);
    counts->literals[kLengths[token.length].symbol]++;
    counts->distances[distance.symbol]++;
    counts->extraBits += kLengths[token.length].extraBits + distance.extraBits;
  }
  for (size_t byte = 0; byte < 256; byte++) {
    counts->literals[byte] = tables[0][byte] + tables[1][byte] + tables[2][byte] + tables[3][byte];
  }
  counts->literals[kEndOfBlock] = 1;
}

/** The code lengths of both codes, run-length coded (RFC 1951, 3.2.7). */
struct Header {
  struct Item {
    uint8_t symbol, extra, extraBits;
  };
  Item items[kLiteralSymbols + kDistanceSymbols];
  size_t itemCount = 0;
  size_t literals = kLiteralSymbols, distances = kDistanceSymbols, lengths = kLengthSymbols;
  HuffmanCode code;
  uint64_t bits = 0;

  Header(const HuffmanCode& literalCode, const HuffmanCode& distanceCode) {
    while (literalCode.lengths[literals - 1] == 0) literals--;
    while (distances > 1 && distanceCode.lengths[distances - 1] == 0) distances--;
    uint8_t all[kLiteralSymbols + kDistanceSymbols];
    std::copy_n(literalCode.lengths, literals, all);
    std::copy_n(distanceCode.lengths, distances, all + literals);
    for (size_t at = 0; at < literals + distances;) at += addRun(all + at, literals + distances - at);

    uint32_t counts[kLengthSymbols] = {};
    for (size_t i = 0; i < itemCount; i++) counts[items[i].symbol]++;
    code.build(counts, kLengthSymbols, kMaxLengthBits);
    while (lengths > 4 && code.lengths[kLengthOrder[lengths - 1]] == 0) lengths--;
    bits = 5 + 5 + 4 + 3 * lengths;
    for (size_t i = 0; i < itemCount; i++) bits += code.lengths[items[i].symbol] + items[i].extraBits;
  }

  size_t addRun(const uint8_t* from, size_t available) {
    size_t run = 1;
    while (run < available && from[run] == from[0]) run++;
    if (from[0] == 0 && run >= 11) return addItem(18, run = std::min<size_t>(run, 138), 11, 7);
    if (from[0] == 0 && run >= 3) return addItem(17, run, 3, 3);
    addItem(from[0], 1, 1, 0);
    if (run < 4) return 1;
    return 1 + addItem(16, std::min<size_t>(run - 1, 6), 3, 2);
  }

  size_t addItem(uint8_t symbol, size_t run, size_t shortest, uint8_t extraBits) {
    items[itemCount++] = {symbol, static_cast<uint8_t>(run - shortest), extraBits};
    return run;
  }

  void write(BitWriter* writer) const {
    writer->put((literals - 257) | (distances - 1) << 5 | (lengths - 4) << 10, 14);
    writer->flush();
    for (size_t i = 0; i < lengths; i++) {
      writer->put(code.lengths[kLengthOrder[i]], 3);
      writer->flush();
    }
    for (size_t i = 0; i < itemCount; i++) {
      writer->put(code.words[items[i].symbol], code.lengths[items[i].symbol]);
      writer->put(items[i].extra, items[i].extraBits);
      writer->flush();
    }
  }
};

/** A code word with its extra bits already attached. */
struct Word {
  uint32_t bits;
  uint32_t count;
};

void writeTokens(const Tokens& tokens, const HuffmanCode& literalCode, const HuffmanCode& distanceCode,
                 BitWriter writer, BitWriter* result) {
  Word literals[256], lengths[kMaxMatch + 1];
  for (size_t byte = 0; byte < 256; byte++) literals[byte] = {literalCode.words[byte], literalCode.lengths[byte]};
  for (size_t length = kMinMatch; length <= kMaxMatch; length++) {
    const Range& range = kLengths[length];
    const uint32_t word = literalCode.words[range.symbol], bits = literalCode.lengths[range.symbol];
    lengths[length] = {word | static_cast<uint32_t>(length - range.base) << bits, bits + range.extraBits};
  }
  const auto put = [&writer](const Word& word) { writer.put(word.bits, word.count); };
  const uint8_t* at = tokens.start();
  for (size_t i = 0; i < tokens.count(); i++) {
    const Token& token = tokens.data()[i];
    const uint8_t* end = at + token.literals;
    for (; at + 4 <= end; at += 4) {
      put(literals[at[0]]);
      put(literals[at[1]]);
      put(literals[at[2]]);
      put(literals[at[3]]);
      writer.flush();
    }
    for (; at < end; at++) put(literals[*at]);
    writer.flush();
    at += token.length;
    if (token.length == 0) continue;
    put(lengths[token.length]);
    const Range distance = distanceRange(token.distance);
    writer.put(distanceCode.words[distance.symbol], distanceCode.lengths[distance.symbol]);
    writer.put(token.distance - 1u - distance.base, distance.extraBits);
    writer.flush();
  }
  writer.put(literalCode.words[kEndOfBlock], literalCode.lengths[kEndOfBlock]);
  writer.flush();
  *result = writer;
}

void writeStored(const uint8_t* data, size_t bytes, bool isLast, BitWriter* writer) {
  do {
    const size_t part = std::min(bytes, kMaxStored);
    writer->put(isLast && part == bytes ? 1 : 0, 3);
    writer->align();
    writer->put(part | (~part & 0xffff) << 16, 32);
    writer->flush();
    writer->copy(data, part);
    data += part;
    bytes -= part;
  } while (bytes > 0);
}

}  // namespace

void writeBlock(const Tokens& tokens, bool isLast, BitTail* tail, Bytes* out) {
  Counts counts;
  countTokens(tokens, &counts);
  HuffmanCode literalCode, distanceCode;
  literalCode.build(counts.literals, kLiteralSymbols, kMaxLiteralBits);
  distanceCode.build(counts.distances, kDistanceSymbols, kMaxDistanceBits);
  const Header header(literalCode, distanceCode);

  uint64_t bits = 3 + header.bits + counts.extraBits;
  for (size_t i = 0; i < kLiteralSymbols; i++) bits += uint64_t{counts.literals[i]} * literalCode.lengths[i];
  for (size_t i = 0; i < kDistanceSymbols; i++) bits += uint64_t{counts.distances[i]} * distanceCode.lengths[i];
  const size_t stored = tokens.bytes() + 5 * (tokens.bytes() / kMaxStored + 1);
  // Flushing writes 8 bytes at a time, the tail adds one more.
  uint8_t* to = out->reserve(std::max<size_t>(bits / 8, stored) + 32);
  BitWriter writer(*tail, to);
  if (bits / 8 >= stored) {
    writeStored(tokens.start(), tokens.bytes(), isLast, &writer);
  } else {
    writer.put((isLast ? 1 : 0) | 2 << 1, 3);
    header.write(&writer);
    writeTokens(tokens, literalCode, distanceCode, writer, &writer);
  }
  out->advance(static_cast<size_t>(writer.end() - to));
  *tail = writer.tail();
}

}  // namespace png
