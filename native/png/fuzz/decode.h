#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace fuzz {

struct Decoded {
  uint32_t width = 0;
  uint32_t height = 0;
  /** Red, green, blue, alpha in the low to the high byte. */
  std::vector<uint32_t> pixels;
  /** Empty: the file is right in every byte. */
  std::string fault;
};

/** A PNG as strictly as the specification reads; inflates by zlib. */
Decoded decode(const uint8_t* file, size_t bytes);

}  // namespace fuzz
