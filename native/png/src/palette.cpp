#include "palette.h"

#include <algorithm>

#include "bytes.h"

namespace png {

/** At most 256 of 2048 slots are taken, so the search ends. */
size_t Palette::slotOf(uint32_t pixel) const {
  constexpr size_t kMask = (size_t{1} << kHashBits) - 1;
  size_t slot = pixel * 0x9e3779b1u >> (32 - kHashBits);
  while (numbers_[slot] != 0 && keys_[slot] != pixel) slot = (slot + 1) & kMask;
  return slot;
}

bool Palette::addRow(const uint8_t* row, size_t count) {
  for (size_t i = 0; i < count; i++) {
    // Flat areas, most of a page, go by two pixels a step.
    while (i > 0 && i + 2 <= count && load64(row + 4 * i) == load64(row + 4 * i - 4)) i += 2;
    if (i >= count) break;
    const uint32_t pixel = load32(row + 4 * i) | ignored_;
    const size_t slot = slotOf(pixel);
    if (numbers_[slot] != 0) continue;
    if (size_ == 256) return false;
    keys_[slot] = pixel;
    colours_[size_++] = pixel;
    numbers_[slot] = static_cast<uint16_t>(size_);
  }
  return true;
}

void Palette::sort(bool isBlueFirst) {
  const auto rank = [isBlueFirst](uint32_t pixel) {
    const uint32_t first = pixel & 0xff, green = pixel >> 8 & 0xff, third = pixel >> 16 & 0xff;
    const uint32_t luma = isBlueFirst ? 29 * first + 150 * green + 77 * third : 77 * first + 150 * green + 29 * third;
    return (pixel >> 24 << 16) + luma;
  };
  std::sort(colours_, colours_ + size_, [&rank](uint32_t a, uint32_t b) {
    return rank(a) != rank(b) ? rank(a) < rank(b) : a < b;
  });
  for (size_t i = 0; i < size_; i++) numbers_[slotOf(colours_[i])] = static_cast<uint16_t>(i + 1);
}

void Palette::indexRow(uint8_t* out, const uint8_t* row, size_t count) const {
  if (count == 0) return;
  uint32_t last = load32(row) | ignored_;
  uint8_t number = 0;
  for (size_t i = 0; i < count; i++) {
    const uint32_t pixel = load32(row + 4 * i) | ignored_;
    if (i == 0 || pixel != last) number = static_cast<uint8_t>(numbers_[slotOf(pixel)] - 1);
    last = pixel;
    out[i] = number;
  }
}

}  // namespace png
