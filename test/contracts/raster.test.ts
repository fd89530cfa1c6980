import { createPdfjsEngine } from '../../src/raster/pdfjs.ts';
import { rasterContract } from './raster.ts';

rasterContract('pdfjs', createPdfjsEngine);
