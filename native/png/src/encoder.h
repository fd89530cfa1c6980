#pragma once
#include "image.h"
#include "output.h"

namespace png {

/** The whole file. The image's bounds were checked by the caller. Throws std::bad_alloc, WriteError. */
void encode(const Image& image, const Options& options, Output* output);

}  // namespace png
