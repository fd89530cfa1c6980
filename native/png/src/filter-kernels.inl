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

#if defined(__AVX2__)
/** The sums of RFC 1950 over whole vectors, at most 5552 bytes so that none overflows. */
inline const uint8_t* adlerVectors(const uint8_t* data, size_t vectors, uint64_t* low, uint64_t* high) {
  const __m256i weights = _mm256_setr_epi8(32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14,
                                           13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1);
  const __m256i ones = _mm256_set1_epi16(1), zero = _mm256_setzero_si256();
  __m256i sum = zero, earlier = zero, weighted = zero;
  *high += *low * vectors * 32;
  for (size_t k = 0; k < vectors; k++, data += 32) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data));
    earlier = _mm256_add_epi32(earlier, sum);
    sum = _mm256_add_epi32(sum, _mm256_sad_epu8(bytes, zero));
    weighted = _mm256_add_epi32(weighted, _mm256_madd_epi16(_mm256_maddubs_epi16(bytes, weights), ones));
  }
  uint32_t sums[8], before[8], weights32[8];
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums), sum);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(before), earlier);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(weights32), weighted);
  for (size_t lane = 0; lane < 8; lane++) {
    *low += sums[lane];
    *high += uint64_t{32} * before[lane] + weights32[lane];
  }
  return data;
}
#else
/** The sums of RFC 1950 over whole vectors: `late` gains `sum` once per later step, which is that byte's weight. */
inline const uint8_t* adlerVectors(const uint8_t* data, size_t vectors, uint64_t* low, uint64_t* high) {
  uint32_t sum[32] = {}, late[32] = {};
  *high += *low * vectors * 32;
  for (size_t k = 0; k < vectors; k++, data += 32) {
    for (size_t lane = 0; lane < 32; lane++) {
      late[lane] += sum[lane];
      sum[lane] += data[lane];
    }
  }
  for (size_t lane = 0; lane < 32; lane++) {
    *low += sum[lane];
    *high += uint64_t{32} * (late[lane] + sum[lane]) - uint64_t{lane} * sum[lane];
  }
  return data;
}
#endif

uint32_t adler32(uint32_t adler, const uint8_t* data, size_t bytes) {
  constexpr uint64_t kPrime = 65521;
  constexpr size_t kMaxVectors = 5552 / 32;
  uint64_t low = adler & 0xffff, high = adler >> 16;
  while (bytes >= 32) {
    const size_t vectors = bytes / 32 < kMaxVectors ? bytes / 32 : kMaxVectors;
    data = adlerVectors(data, vectors, &low, &high);
    low %= kPrime;
    high %= kPrime;
    bytes -= vectors * 32;
  }
  for (; bytes > 0; bytes--) {
    low += *data++;
    high += low;
  }
  return static_cast<uint32_t>((high % kPrime) << 16 | (low % kPrime));
}
