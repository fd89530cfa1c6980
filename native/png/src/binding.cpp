#include <node_api.h>

#include <cmath>
#include <cstdio>

#include "encoder.h"

namespace {

/** Of encode(pixels, width, height, stride, layout, isPremultiplied, level, colour, pixelsPerMetre, descriptor). */
enum Argument { kPixels, kWidth, kHeight, kStride, kLayout, kPremultiplied, kLevel, kColour, kResolution, kDescriptor };
constexpr size_t kArguments = kDescriptor + 1;
/** Bytes of a row and of a block are counted in 32 bits; a dimension has 31 (PNG third edition, 11.2.1). */
constexpr double kMaxWidth = 0x0fffffff, kMaxStride = 0xffffffffu, kMaxInt31 = 0x7fffffff;

const char* const kNames[kArguments] = {"pixels",        "width", "height", "stride",           "layout",
                                        "premultiplied", "level", "colour", "pixels per metre", "descriptor"};

/** An exception is pending in JavaScript; unwinds to the entry point. */
struct Thrown {};

[[noreturn]] void throwTypeError(napi_env env, const char* what, const char* rule) {
  char message[160];
  std::snprintf(message, sizeof message, "%s %s", what, rule);
  napi_throw_type_error(env, "ERR_INVALID_ARG_VALUE", message);
  throw Thrown{};
}

void check(napi_env env, napi_status status) {
  if (status == napi_ok) return;
  napi_throw_error(env, nullptr, "Node-API call failed");
  throw Thrown{};
}

double readInteger(napi_env env, const napi_value* arguments, Argument index, double least, double most) {
  double value = 0;
  const bool isNumber = napi_get_value_double(env, arguments[index], &value) == napi_ok;
  if (isNumber && value >= least && value <= most && value == std::floor(value)) return value;
  char rule[96];
  std::snprintf(rule, sizeof rule, "must be an integer from %.0f to %.0f", least, most);
  throwTypeError(env, kNames[index], rule);
}

size_t readSize(napi_env env, const napi_value* arguments, Argument index, double most) {
  return static_cast<size_t>(readInteger(env, arguments, index, 1, most));
}

png::Image readImage(napi_env env, const napi_value* arguments) {
  napi_typedarray_type type = napi_int8_array;
  size_t length = 0;
  void* data = nullptr;
  const napi_status status =
      napi_get_typedarray_info(env, arguments[kPixels], &type, &length, &data, nullptr, nullptr);
  if (status != napi_ok || (type != napi_uint8_array && type != napi_uint8_clamped_array)) {
    throwTypeError(env, kNames[kPixels], "must be a Uint8Array or Uint8ClampedArray");
  }
  png::Image image = {};
  image.data = static_cast<const uint8_t*>(data);
  image.width = readSize(env, arguments, kWidth, kMaxWidth);
  image.height = readSize(env, arguments, kHeight, kMaxInt31);
  image.stride = readSize(env, arguments, kStride, kMaxStride);
  image.layout = static_cast<png::Layout>(readInteger(env, arguments, kLayout, 0, double(png::Layout::gray)));
  image.isPremultiplied = readInteger(env, arguments, kPremultiplied, 0, 1) != 0;
  const size_t rowBytes = image.width * png::bytesPerPixel(image.layout);
  if (image.stride < rowBytes) throwTypeError(env, kNames[kStride], "must not be shorter than a row of pixels");
  if (data == nullptr || length < rowBytes || (length - rowBytes) / image.stride < image.height - 1) {
    throwTypeError(env, kNames[kPixels], "must hold stride * (height - 1) bytes and a row more");
  }
  return image;
}

png::Options readOptions(napi_env env, const napi_value* arguments) {
  png::Options options = {};
  options.level = static_cast<png::Level>(readInteger(env, arguments, kLevel, 0, double(png::Level::small)));
  options.colour = static_cast<png::Colour>(readInteger(env, arguments, kColour, 0, double(png::Colour::rgba)));
  options.pixelsPerMetre = static_cast<uint32_t>(readInteger(env, arguments, kResolution, 0, kMaxInt31));
  return options;
}

napi_value run(napi_env env, napi_callback_info info) {
  napi_value arguments[kArguments];
  size_t count = kArguments;
  // Arguments that were not given read as undefined, which no reader accepts.
  check(env, napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr));
  const png::Image image = readImage(env, arguments);
  const png::Options options = readOptions(env, arguments);
  const int descriptor = static_cast<int>(readInteger(env, arguments, kDescriptor, -1, kMaxInt31));

  png::Output output(descriptor);
  napi_value result = nullptr;
  try {
    png::encode(image, options, &output);
  } catch (const png::WriteError& error) {
    check(env, napi_create_int32(env, -error.code, &result));
    return result;
  }
  if (descriptor >= 0) {
    check(env, napi_create_double(env, static_cast<double>(output.total()), &result));
  } else {
    // Copied, as a buffer over foreign memory cannot be transferred between threads.
    check(env, napi_create_buffer_copy(env, output.bytes().size(), output.bytes().data(), nullptr, &result));
  }
  return result;
}

napi_value encode(napi_env env, napi_callback_info info) {
  try {
    return run(env, info);
  } catch (const Thrown&) {
    return nullptr;
  } catch (const std::bad_alloc&) {
    napi_throw_error(env, "ERR_OUT_OF_MEMORY", "out of memory while encoding a PNG");
    return nullptr;
  }
}

}  // namespace

/** Runs once per environment (main thread, each worker thread); keeps no state in either. */
NAPI_MODULE_INIT() {
  napi_value function = nullptr;
  if (napi_create_function(env, "encode", NAPI_AUTO_LENGTH, encode, nullptr, &function) != napi_ok) return nullptr;
  if (napi_set_named_property(env, exports, "encode", function) != napi_ok) return nullptr;
  return exports;
}
