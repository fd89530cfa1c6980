import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { getSystemErrorMessage, getSystemErrorName } from 'node:util';

// The numbers of src/image.h.
const LAYOUTS = { rgba: 0, bgra: 1, rgbx: 2, bgrx: 3, rgb: 4, bgr: 5, gray: 6 };
const PIXEL_BYTES = { rgba: 4, bgra: 4, rgbx: 4, bgrx: 4, rgb: 3, bgr: 3, gray: 1 };
const LEVELS = { fast: 0, small: 1 };
const COLOURS = { auto: 0, gray: 1, rgb: 2, rgba: 3 };
const METRES_PER_INCH = 0.0254;
const IN_MEMORY = -1;

export function loadPngEncoder() {
  const path = fileURLToPath(new URL('build/png.node', import.meta.url));
  if (!existsSync(path)) return { reason: `${path} was not built: no C++ compiler at the time of npm install` };
  let binding;
  try {
    binding = createRequire(import.meta.url)(path);
  } catch (error) {
    return { reason: `${path} does not load: ${error instanceof Error ? error.message : String(error)}` };
  }
  return {
    encode: (source, options = {}) => binding.encode(...argumentsOf(source, options), IN_MEMORY),
    encodeTo(descriptor, source, options = {}) {
      if (!(descriptor >= 0)) throw new TypeError('descriptor must be a file descriptor');
      const written = binding.encode(...argumentsOf(source, options), descriptor);
      if (written < 0) throw writeError(written);
      return written;
    },
  };
}

/** In the order of `Argument` in src/binding.cpp, which checks what is not checked here. */
function argumentsOf(source, { level = 'fast', colour = 'auto', dpi }) {
  const { data, width, height, layout, premultiplied = false } = source;
  const layoutNumber = numberOf(LAYOUTS, layout, 'layout');
  return [
    data,
    width,
    height,
    source.stride ?? width * PIXEL_BYTES[layout],
    layoutNumber,
    premultiplied ? 1 : 0,
    numberOf(LEVELS, level, 'level'),
    numberOf(COLOURS, colour, 'colour'),
    dpi === undefined ? 0 : Math.round(dpi / METRES_PER_INCH),
  ];
}

function numberOf(table, name, what) {
  if (Object.hasOwn(table, name)) return table[name];
  throw new TypeError(`${what} must be one of ${Object.keys(table).join(', ')}`);
}

function writeError(number) {
  const error = new Error(`writing the PNG failed: ${getSystemErrorMessage(number) ?? `error ${-number}`}`);
  return Object.assign(error, { code: getSystemErrorName(number), errno: number, syscall: 'write' });
}
