// Filters, their costs and the checksum: the second half of row-kernels.inl, inside its namespace.

void filterUp(uint8_t* __restrict out, const uint8_t* __restrict row, const uint8_t* __restrict above, size_t bytes,
              size_t) {
  for (size_t i = 0; i < bytes; i++) out[i] = static_cast<uint8_t>(row[i] - above[i]);
}

inline int16_t distance(int16_t a, int16_t b) { return static_cast<int16_t>(a > b ? a - b : b - a); }

void filterPaeth(uint8_t* __restrict out, const uint8_t* __restrict row, const uint8_t* __restrict above, size_t bytes,
                 size_t bpp) {
  const size_t head = bpp < bytes ? bpp : bytes;
  for (size_t i = 0; i < head; i++) out[i] = static_cast<uint8_t>(row[i] - above[i]);
  for (size_t i = head; i < bytes; i++) {
    const int16_t a = row[i - bpp], b = above[i], c = above[i - bpp];
    // With p = a + b - c: |p - a| = |b - c|, |p - b| = |a - c|, |p - c| = |a + b - 2c|.
    const int16_t toA = distance(b, c), toB = distance(a, c);
    const int16_t toC = distance(static_cast<int16_t>(a + b), static_cast<int16_t>(2 * c));
    const int16_t better = toB <= toC ? b : c;
    const int16_t least = toB <= toC ? toB : toC;
    out[i] = static_cast<uint8_t>(row[i] - (toA <= least ? a : better));
  }
}

template <bool isPlain>
Changes countSpan(const uint8_t* row, size_t from, size_t to, size_t bpp) {
  uint32_t small = 0, large = 0;
  for (size_t i = from; i < to; i++) {
    const uint8_t difference = static_cast<uint8_t>(row[i] - row[i - bpp]);
    const uint8_t size = isPlain ? difference : row[i];
    // -4 to 4 in two's complement.
    const uint8_t isSmall = static_cast<uint8_t>(size + 4) <= 8, isChange = difference != 0;
    small += isChange & isSmall;
    large += isChange & (isSmall ^ 1);
  }
  return {small, large};
}

Changes countChanges(const uint8_t* row, size_t bytes, size_t bpp, bool isPlain) {
  // So short that the compiler may count in bytes before it adds up.
  constexpr size_t kSpan = 4096;
  Changes total = {0, 0};
  for (size_t from = bpp; from < bytes; from += kSpan) {
    const size_t to = bytes - from < kSpan ? bytes : from + kSpan;
    const Changes span = isPlain ? countSpan<true>(row, from, to, bpp) : countSpan<false>(row, from, to, bpp);
    total.small += span.small;
    total.large += span.large;
  }
  return total;
}

/** RFC 1950, with one pair of sums per lane: `late` gains `sum` once per later step, which is that byte's weight. */
uint32_t adler32(uint32_t adler, const uint8_t* data, size_t bytes) {
  constexpr size_t kLanes = 32;
  // 255 * n * (n + 1) / 2 stays below 2^32.
  constexpr size_t kMaxSteps = 5552;
  constexpr uint32_t kPrime = 65521;
  uint64_t low = adler & 0xffff, high = adler >> 16;
  while (bytes >= kLanes) {
    const size_t steps = bytes / kLanes < kMaxSteps ? bytes / kLanes : kMaxSteps;
    uint32_t sum[kLanes] = {}, late[kLanes] = {};
    for (size_t step = 0; step < steps; step++, data += kLanes) {
      for (size_t lane = 0; lane < kLanes; lane++) {
        late[lane] += sum[lane];
        sum[lane] += data[lane];
      }
    }
    high += low * steps * kLanes;
    for (size_t lane = 0; lane < kLanes; lane++) {
      high += kLanes * (static_cast<uint64_t>(late[lane]) + sum[lane]) - lane * static_cast<uint64_t>(sum[lane]);
      low += sum[lane];
    }
    low %= kPrime;
    high %= kPrime;
    bytes -= steps * kLanes;
  }
  for (; bytes > 0; bytes--) {
    low += *data++;
    high += low;
  }
  return static_cast<uint32_t>((high % kPrime) << 16 | (low % kPrime));
}
