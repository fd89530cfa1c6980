#pragma once
#include <cstddef>
#include <cstdint>

namespace png {

/** Up to 256 distinct 32-bit pixels and their numbers. */
class Palette {
 public:
  /** Without alpha the fourth byte of a pixel is ignored. */
  explicit Palette(bool hasAlpha) : ignored_(hasAlpha ? 0 : 0xff000000u) {}
  /** Takes the pixels of a row in; false once there are more than 256 colours. 4 bytes a pixel. */
  bool addRow(const uint8_t* row, size_t count);
  /** Orders colours: transparent ones first, so that tRNS stays short, then by brightness. Ends adding. */
  void sort(bool isBlueFirst);
  size_t size() const { return size_; }
  /** In sorted order. */
  uint32_t colour(size_t index) const { return colours_[index]; }
  /** Numbers of a row's pixels. A pixel that was never added gives some number below 256. */
  void indexRow(uint8_t* out, const uint8_t* row, size_t count) const;

 private:
  static constexpr unsigned kHashBits = 11;
  size_t slotOf(uint32_t pixel) const;

  uint32_t ignored_;
  size_t size_ = 0;
  uint32_t colours_[256] = {};
  uint32_t keys_[1 << kHashBits] = {};
  /** 0: free; otherwise the colour's number plus 1. */
  uint16_t numbers_[1 << kHashBits] = {};
};

}  // namespace png
