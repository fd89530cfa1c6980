import { AppError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { DocumentCache } from '../raster/documents.ts';
import type { PdfiumLibrary } from '../raster/pdfium.ts';
import type { CriticalEngine, RasterEngine } from '../raster/raster.ts';
import type { RasterTools } from '../tasks/task.ts';
import type { WorkerSettings } from './protocol.ts';

export interface RasterSupplyOptions {
  readonly settings: Pick<WorkerSettings, 'engine' | 'pdfium' | 'maxPages' | 'maxPixels' | 'compiled'>;
  readonly log: () => Log;
  /** A library is about to be loaded, or after all not, whose memory outlives the thread. */
  readonly onNative: (isLoaded: boolean) => void;
  /** What was compiled, for the thread that comes after. */
  readonly onCompiled: (compiled: object) => void;
}

/** What a thread lends to its units for drawing. Engine and encoder are loaded by the first who needs them. */
export interface RasterSupply {
  readonly tools: RasterTools;
  /** A unit begins; for one that is careful PDFium runs in WebAssembly, where it cannot end the process. */
  begin(isCareful: boolean): void;
  /** The unit is over. */
  rest(): void;
  warmUp(): Promise<unknown>;
}

type LoadPdfium = () => Promise<CriticalEngine>;

/** The raster engines by their name in the settings. pdf.js takes longer to load: only where a page needs it. */
const ENGINES: Readonly<Record<string, (loadPdfium: LoadPdfium) => Promise<RasterEngine>>> = {
  auto: async (loadPdfium) => (await import('../raster/auto.ts')).createAutoEngine(await loadPdfium(), loadPdfjs),
  pdfium: (loadPdfium) => loadPdfium(),
  pdfjs: () => loadPdfjs(),
};

export function createRaster(options: RasterSupplyOptions): RasterSupply {
  const { engine, maxPages, maxPixels, pdfium } = options.settings;
  const wasm = once(() => loadWasm(options));
  const native = once(() => (pdfium === 'native' ? loadNative(options) : undefined));
  const careful = createDocuments(engine, async () => createPdfium(await wasm()));
  const usual = createDocuments(engine, async () => createPdfium((await native()) ?? (await wasm())));
  const encoder = once(() => loadEncode(options));
  let documents = usual;
  return {
    tools: {
      open: async (...file) => (await documents.load()).open(...file),
      encode: async (...picture) => (await encoder())(...picture),
      maxPages,
      maxPixels,
    },
    begin: (isCareful) => {
      documents = isCareful ? careful : usual;
    },
    rest: () => documents.rest(),
    warmUp: () => documents.load(),
  };
}

function createDocuments(engine: string, loadPdfium: LoadPdfium) {
  let documents: DocumentCache | undefined;
  const load = once(async () => {
    const create = ENGINES[engine];
    const known = Object.keys(ENGINES).join(', ');
    if (!create) throw new AppError('engine_unavailable', `there is no raster engine '${engine}': choose ${known}`);
    documents = new DocumentCache(await create(loadPdfium));
    return documents;
  });
  return { load, rest: () => documents?.rest() };
}

async function loadPdfjs(): Promise<RasterEngine> {
  return (await import('../raster/pdfjs.ts')).createPdfjsEngine();
}

async function createPdfium(library: PdfiumLibrary): Promise<CriticalEngine> {
  return (await import('../raster/pdfium.ts')).createPdfiumEngine(loadPdfjs, library);
}

async function loadNative({ onNative, log }: RasterSupplyOptions): Promise<PdfiumLibrary | undefined> {
  onNative(true);
  const library = await (await import('../raster/pdfium-native.ts')).loadNativeLibrary();
  if (!('reason' in library)) return library;
  onNative(false);
  log().info(`pdfium runs in WebAssembly, which takes longer: ${library.reason}`);
  return undefined;
}

async function loadWasm({ settings, onCompiled }: RasterSupplyOptions): Promise<PdfiumLibrary> {
  const { compilePdfium, createWasmLibrary } = await import('../raster/pdfium-wasm.ts');
  const module = settings.compiled ?? (await compilePdfium());
  if (settings.compiled === undefined) onCompiled(module);
  return createWasmLibrary(module);
}

async function loadEncode({ log }: RasterSupplyOptions): Promise<RasterTools['encode']> {
  const { createEncode } = await import('../raster/encode.ts');
  return createEncode((reason) => log().warn(`png is encoded in JavaScript, which takes longer: ${reason}`));
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
