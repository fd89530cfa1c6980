#include "filter.h"

#include <algorithm>

namespace png {
namespace {

constexpr size_t kSampleEvery = 8;

struct Weights {
  uint64_t small;
  uint64_t large;
};

// Tenths of a bit per byte outside runs, fitted to what 25 pages really took: copies make the hard edges of text cheap
// as they are, and differences make the gentle slopes of photographs cheap. Sub never won against Up and Paeth there.
constexpr Weights kPlainWeights = {75, 36};
constexpr Weights kFilteredWeights = {25, 110};

uint64_t costOf(const Changes& changes, const Weights& weights) {
  return changes.small * weights.small + changes.large * weights.large;
}

}  // namespace

Filter::Filter(size_t rowBytes, size_t pixelBytes)
    : kernel_(kernels()),
      rowBytes_(rowBytes),
      pixelBytes_(pixelBytes),
      above_(rowBytes),
      nextAbove_(rowBytes),
      filtered_(rowBytes) {
  std::memset(above_.data(), 0, rowBytes);
}

const uint8_t* Filter::aboveOf(const Rows& rows, size_t index) const {
  return index == 0 ? above_.data() : rows.bytes + (index - 1) * rows.pitch + 1;
}

Filter::Choice Filter::choose(const Rows& rows) {
  const Choice none = {0, nullptr}, up = {2, kernel_.filterUp}, paeth = {4, kernel_.filterPaeth};
  uint64_t plainCost = 0, upCost = 0, paethCost = 0;
  const auto filteredCost = [this](const Choice& choice, const uint8_t* row, const uint8_t* above) {
    choice.kernel(filtered_.data(), row, above, rowBytes_, pixelBytes_);
    return costOf(kernel_.countChanges(filtered_.data(), rowBytes_, pixelBytes_, false), kFilteredWeights);
  };
  for (size_t y = 0; y < rows.count; y += kSampleEvery) {
    const uint8_t* row = rows.bytes + y * rows.pitch + 1;
    const Changes plain = kernel_.countChanges(row, rowBytes_, pixelBytes_, true);
    if (plain.small + plain.large == 0) continue;
    plainCost += costOf(plain, kPlainWeights);
    upCost += filteredCost(up, row, aboveOf(rows, y));
    paethCost += filteredCost(paeth, row, aboveOf(rows, y));
  }
  if (plainCost <= std::min(upCost, paethCost)) return none;
  return upCost <= paethCost ? up : paeth;
}

bool Filter::apply(const Rows& rows) {
  const Choice choice = choose(rows);
  std::memcpy(nextAbove_.data(), rows.bytes + (rows.count - 1) * rows.pitch + 1, rowBytes_);
  // From the bottom up, as each row needs the one above unfiltered.
  for (size_t y = rows.count; y-- > 0;) {
    uint8_t* row = rows.bytes + y * rows.pitch + 1;
    row[-1] = choice.type;
    if (choice.kernel == nullptr) continue;
    choice.kernel(filtered_.data(), row, aboveOf(rows, y), rowBytes_, pixelBytes_);
    std::memcpy(row, filtered_.data(), rowBytes_);
  }
  above_.swap(nextAbove_);
  return choice.kernel != nullptr;
}

}  // namespace png
