#include "kernels.h"

namespace png {

const Kernels& kernels() {
#if defined(__x86_64__) && !defined(PNG_BASELINE_ONLY)
  static const Kernels& best = __builtin_cpu_supports("avx2") ? avx2Kernels() : baselineKernels();
  return best;
#else
  return baselineKernels();
#endif
}

}  // namespace png
