import { MemoryQueue } from '../../src/queue/memory.ts';
import { queueContract } from './queue.ts';
import { queueOverload } from './queue-overload.ts';
import { queueRaces } from './queue-races.ts';
import { queueRetries } from './queue-retries.ts';

queueContract('memory', () => new MemoryQueue());
queueRaces('memory', (options) => new MemoryQueue(options));
queueRetries('memory', () => new MemoryQueue());
queueOverload('memory', () => new MemoryQueue());
