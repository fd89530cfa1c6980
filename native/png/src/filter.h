#pragma once
#include "bytes.h"
#include "kernels.h"

namespace png {

/** Scanlines that lie one behind the other, each with its filter byte in front. */
struct Rows {
  uint8_t* bytes;
  size_t count;
  /** From one row to the next, filter byte included. */
  size_t pitch;
};

/** Chooses a filter for many rows at once, by estimated cost, and applies it in place. */
class Filter {
 public:
  Filter(size_t rowBytes, size_t pixelBytes);
  /** Rows must follow those of the call before. True where they became differences: only runs are worth a search. */
  bool apply(const Rows& rows);

 private:
  struct Choice {
    uint8_t type;
    decltype(Kernels::filterUp) kernel;
  };
  Choice choose(const Rows& rows);
  const uint8_t* aboveOf(const Rows& rows, size_t index) const;

  const Kernels& kernel_;
  size_t rowBytes_;
  size_t pixelBytes_;
  /** The last row of the call before, unfiltered; zeros at the top. */
  Bytes above_;
  Bytes nextAbove_;
  Bytes filtered_;
};

}  // namespace png
