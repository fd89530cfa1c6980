#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace png {

/** A growing byte buffer that, unlike std::vector, leaves reserved bytes untouched. Throws std::bad_alloc. */
class Bytes {
 public:
  Bytes() = default;
  explicit Bytes(size_t size) { grow(size); }
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
  ~Bytes() { std::free(data_); }

  uint8_t* data() { return data_; }
  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  void clear() { size_ = 0; }
  void swap(Bytes& other) {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

  /** Room for `extra` bytes behind the end; `advance` takes what was written there. */
  uint8_t* reserve(size_t extra) {
    if (extra > capacity_ - size_) {
      if (extra > SIZE_MAX / 4 - size_) throw std::bad_alloc();
      grow((size_ + extra) + (size_ + extra) / 2);
    }
    return data_ + size_;
  }
  void advance(size_t count) { size_ += count; }

  void append(const void* from, size_t count) {
    std::memcpy(reserve(count), from, count);
    advance(count);
  }
  void append32(uint32_t value) {
    uint8_t* to = reserve(4);
    for (int shift = 24; shift >= 0; shift -= 8) *to++ = static_cast<uint8_t>(value >> shift);
    advance(4);
  }

 private:
  void grow(size_t capacity) {
    void* moved = std::realloc(data_, capacity > 0 ? capacity : 1);
    if (moved == nullptr) throw std::bad_alloc();
    data_ = static_cast<uint8_t*>(moved);
    capacity_ = capacity;
  }

  uint8_t* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

inline uint32_t load32(const uint8_t* from) {
  uint32_t value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

inline uint64_t load64(const uint8_t* from) {
  uint64_t value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

inline void store32(uint8_t* to, uint32_t value) { std::memcpy(to, &value, sizeof value); }

inline void store64(uint8_t* to, uint64_t value) { std::memcpy(to, &value, sizeof value); }

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "pixels and bit streams are loaded as little-endian words");

}  // namespace png
