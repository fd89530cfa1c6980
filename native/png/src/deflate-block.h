#pragma once
#include "bytes.h"
#include "tokens.h"

namespace png {

/** The bits that do not fill a byte yet, carried from block to block. */
struct BitTail {
  uint64_t bits = 0;
  unsigned count = 0;
};

/** Writes tokens as one block with its own Huffman codes, or as stored blocks where that is smaller (RFC 1951, 3.2). */
void writeBlock(const Tokens& tokens, bool isLast, BitTail* tail, Bytes* out);

}  // namespace png
