import { MemoryQueue } from '../../src/queue/memory.ts';
import { queueContract } from './queue.ts';

queueContract('memory', () => new MemoryQueue());
