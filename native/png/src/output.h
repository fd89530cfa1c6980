#pragma once
#include "bytes.h"

namespace png {

/** A write to the descriptor failed; `code` is its errno. */
struct WriteError {
  int code;
};

/** The file being written as chunks: kept in memory, or handed to a descriptor piece by piece. */
class Output {
 public:
  /** `descriptor` -1 keeps everything in memory. The descriptor stays the caller's: never closed here. */
  explicit Output(int descriptor) : descriptor_(descriptor) {}

  void writeSignature();
  void beginChunk(const char (&type)[5]);
  void endChunk();
  /** Where the open chunk's content goes. */
  Bytes& bytes() { return bytes_; }
  /** Ends the open IDAT and begins another where this one is big enough to hand over. */
  void splitData();
  void finish();

  /** Bytes of the file so far. */
  size_t total() const { return handedOver_ + bytes_.size(); }

 private:
  void handOver();

  Bytes bytes_;
  int descriptor_;
  size_t chunkStart_ = 0;
  size_t handedOver_ = 0;
};

}  // namespace png
