import { transportContract } from './transport.ts';

transportContract('uws');
transportContract('node');
