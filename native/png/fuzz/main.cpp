// Encodes random pictures under the sanitizers and compares what a strict decoder makes of the result.
// Usage: fuzz SECONDS [SEED]
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "../src/encoder.h"
#include "decode.h"
#include "picture.h"

namespace {

const char* compare(const png::Image& image, png::Colour colour, const fuzz::Decoded& decoded) {
  if (!decoded.fault.empty()) return decoded.fault.c_str();
  if (decoded.width != image.width || decoded.height != image.height) return "size";
  for (size_t i = 0; i < decoded.pixels.size(); i++) {
    if (decoded.pixels[i] != fuzz::expectedPixel(image, colour, i % image.width, i / image.width)) return "pixel";
  }
  return nullptr;
}

bool isRight(uint64_t seed) {
  fuzz::Random random(seed);
  const fuzz::Picture picture = fuzz::makePicture(random);
  const auto level = static_cast<png::Level>(random() % 2);
  const auto colour = static_cast<png::Colour>(random() % 3 == 0 ? random() % 4 : 0);
  png::Output output(-1);
  png::encode(picture.image, {level, colour, static_cast<uint32_t>(random() % 2 * 7874)}, &output);
  const fuzz::Decoded decoded = fuzz::decode(output.bytes().data(), output.bytes().size());
  const char* fault = compare(picture.image, colour, decoded);
  if (fault == nullptr) return true;
  std::fprintf(stderr, "seed %llu: wrong %s: %zux%zu layout %d level %d colour %d\n",
               static_cast<unsigned long long>(seed), fault, picture.image.width, picture.image.height,
               static_cast<int>(picture.image.layout), static_cast<int>(level), static_cast<int>(colour));
  return false;
}

}  // namespace

int main(int count, char** arguments) {
  const double seconds = count > 1 ? std::atof(arguments[1]) : 10;
  uint64_t seed = count > 2 ? std::strtoull(arguments[2], nullptr, 10) : std::random_device()();
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  const uint64_t first = seed;
  while (std::chrono::steady_clock::now() < end) {
    if (!isRight(seed)) return 1;
    seed++;
  }
  std::printf("%llu pictures from seed %llu on, all right\n", static_cast<unsigned long long>(seed - first),
              static_cast<unsigned long long>(first));
}
