import { pipeliningContract } from './pipelining.ts';

pipeliningContract('uws');
pipeliningContract('node');
