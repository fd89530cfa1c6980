import { createAutoEngine } from '../../src/raster/auto.ts';
import { createPdfiumEngine } from '../../src/raster/pdfium.ts';
import { createPdfjsEngine } from '../../src/raster/pdfjs.ts';
import { rasterContract } from './raster.ts';

const second = async () => createPdfjsEngine();

rasterContract('pdfjs', createPdfjsEngine);
rasterContract('pdfium', () => createPdfiumEngine(second));
rasterContract('auto', () => createAutoEngine(createPdfiumEngine(second), second));
