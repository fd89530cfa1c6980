#include "matcher.h"

#include "matcher-chains.h"
#include "matcher-single.h"

namespace png {

std::unique_ptr<Matcher> createMatcher(Level level, size_t runDistance) {
  if (level == Level::fast) return std::make_unique<SingleMatcher>(runDistance);
  return std::make_unique<ChainMatcher>(runDistance);
}

}  // namespace png
