#define PNG_KERNELS_NAME "baseline"
#define PNG_KERNELS_GETTER baselineKernels
#include "row-kernels.inl"
