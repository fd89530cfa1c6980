import { framingContract } from './framing.ts';

framingContract('uws');
framingContract('node');
