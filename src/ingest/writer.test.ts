import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Channel } from '../core/channel.ts';
import { writeFrom } from './writer.ts';

test('a digest that cannot be made is told when the write that goes on beside it has ended', async () => {
  const channel = new Channel<Uint8Array>({ capacity: 100, sizeOf: ({ byteLength }) => byteLength });
  await channel.send(Buffer.from('abc'));
  const disk = Promise.withResolvers<void>();
  const told: string[] = [];
  const nothing = () => undefined;
  const writing = writeFrom({
    channel,
    sink: { write: () => disk.promise.then(() => void told.push('written')) },
    digester: {
      update: () => {
        throw new Error('no thread to be had');
      },
    },
    ...{ onBatch: nothing, onWritten: nothing, minBytes: 0, trace: undefined },
  }).catch((error: Error) => told.push(error.message));
  setImmediate(disk.resolve);
  await writing;
  assert.deepEqual(told, ['written', 'no thread to be had']);
});
