// Compiled with -mavx2. It defines nothing but internal functions: an inline one that the linker shared with other
// files would carry AVX2 code into them.
#if defined(__x86_64__)
#define PNG_KERNELS_NAME "avx2"
#define PNG_KERNELS_GETTER avx2Kernels
#include "row-kernels.inl"
#endif
