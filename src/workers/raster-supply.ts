import { AppError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { DocumentCache } from '../raster/documents.ts';
import type { CriticalEngine, RasterEngine } from '../raster/raster.ts';
import type { RasterTools } from '../tasks/task.ts';
import type { WorkerSettings } from './protocol.ts';

export interface RasterSupplyOptions {
  readonly settings: Pick<WorkerSettings, 'engine' | 'pdfium' | 'maxPages' | 'maxPixels' | 'compiled'>;
  readonly log: () => Log;
  /** A library was loaded whose memory outlives the thread. */
  readonly onNative: () => void;
  /** What was compiled, for the thread that comes after. */
  readonly onCompiled: (compiled: object) => void;
}

/** What a thread lends to its units for drawing. Engine and encoder are loaded by the first who needs them. */
export interface RasterSupply {
  readonly tools: RasterTools;
  /** A unit begins: one that has ended its worker before is drawn where nothing can do that. */
  begin(attempt: number): void;
  /** The unit is over. */
  rest(): void;
  warmUp(): Promise<unknown>;
}

type PdfiumOptions = RasterSupplyOptions & { readonly isNative: boolean };

/** The raster engines by their name in the settings. pdf.js takes longer to load: only where a page needs it. */
const ENGINES: Readonly<Record<string, (options: PdfiumOptions) => Promise<RasterEngine>>> = {
  auto: async (options) => (await import('../raster/auto.ts')).createAutoEngine(await loadPdfium(options), loadPdfjs),
  pdfium: (options) => loadPdfium(options),
  pdfjs: () => loadPdfjs(),
};

export function createRaster(options: RasterSupplyOptions): RasterSupply {
  const { maxPages, maxPixels, pdfium } = options.settings;
  const usual = createDocuments({ ...options, isNative: pdfium === 'native' });
  const careful = pdfium === 'native' ? createDocuments({ ...options, isNative: false }) : usual;
  let documents = usual;
  let encoding: Promise<RasterTools['encode']> | undefined;
  const encode: RasterTools['encode'] = async (...picture) => {
    encoding ??= loadEncode((reason) =>
      options.log().warn(`png is encoded in JavaScript, which takes longer: ${reason}`),
    );
    return (await encoding)(...picture);
  };
  return {
    tools: { open: async (...file) => (await documents.load()).open(...file), encode, maxPages, maxPixels },
    begin: (attempt) => {
      documents = attempt > 1 ? careful : usual;
    },
    rest: () => documents.rest(),
    warmUp: () => documents.load(),
  };
}

function createDocuments(options: PdfiumOptions) {
  let documents: DocumentCache | undefined;
  let loading: Promise<DocumentCache> | undefined;
  const load = async () => {
    const { engine } = options.settings;
    const create = ENGINES[engine];
    const known = Object.keys(ENGINES).join(', ');
    if (!create) throw new AppError('engine_unavailable', `there is no raster engine '${engine}': choose ${known}`);
    documents = new DocumentCache(await create(options));
    return documents;
  };
  return {
    load: () => {
      loading ??= load();
      return loading;
    },
    rest: () => documents?.rest(),
  };
}

async function loadPdfjs(): Promise<RasterEngine> {
  return (await import('../raster/pdfjs.ts')).createPdfjsEngine();
}

async function loadPdfium(options: PdfiumOptions): Promise<CriticalEngine> {
  const { createPdfiumEngine } = await import('../raster/pdfium.ts');
  return createPdfiumEngine(loadPdfjs, (await loadNative(options)) ?? (await loadWasm(options)));
}

async function loadNative({ isNative, onNative, log }: PdfiumOptions) {
  if (!isNative) return undefined;
  const library = (await import('../raster/pdfium-native.ts')).loadNativeLibrary();
  if ('reason' in library) {
    log().warn(`pdfium runs in WebAssembly, which takes longer: ${library.reason}`);
    return undefined;
  }
  onNative();
  return library;
}

async function loadWasm({ settings, onCompiled }: PdfiumOptions) {
  const { compilePdfium, createWasmLibrary } = await import('../raster/pdfium-wasm.ts');
  const module = settings.compiled ?? (await compilePdfium());
  if (settings.compiled === undefined) onCompiled(module);
  return createWasmLibrary(module);
}

async function loadEncode(onFallback: (reason: string) => void): Promise<RasterTools['encode']> {
  return (await import('../raster/encode.ts')).createEncode(onFallback);
}
