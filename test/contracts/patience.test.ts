import { suite } from 'node:test';
import { patienceContract } from './patience.ts';

suite('patience', { concurrency: true }, () => {
  patienceContract('uws');
  patienceContract('node');
});
