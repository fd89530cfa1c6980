import { createAutoEngine } from '../../src/raster/auto.ts';
import { compilePdfium, createPdfiumEngine } from '../../src/raster/pdfium.ts';
import { createPdfjsEngine } from '../../src/raster/pdfjs.ts';
import { rasterContract } from './raster.ts';

const second = async () => createPdfjsEngine();
const pdfium = await createPdfiumEngine(second, await compilePdfium());

rasterContract('pdfjs', createPdfjsEngine);
rasterContract('pdfium', () => pdfium);
rasterContract('auto', () => createAutoEngine(pdfium, second));
