import { createPdfiumEngine } from '../../src/raster/pdfium.ts';
import { createPdfjsEngine } from '../../src/raster/pdfjs.ts';
import { rasterContract } from './raster.ts';

rasterContract('pdfjs', createPdfjsEngine);
rasterContract('pdfium', () => createPdfiumEngine(async () => createPdfjsEngine()));
