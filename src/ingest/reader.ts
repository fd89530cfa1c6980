import type { Channel } from '../core/channel.ts';
import { AppError } from '../core/errors.ts';
import type { ByteSource } from './byte-source.ts';
import type { RateClock } from './rate-clock.ts';
import type { UploadTrace } from './trace.ts';

export interface ReaderOptions {
  readonly source: ByteSource;
  readonly channel: Channel<Uint8Array>;
  /** What the sender announced; another number of bytes is an error. */
  readonly declaredBytes: number | undefined;
  readonly maxBytes: number;
  readonly clock: Pick<RateClock, 'waiting' | 'arrived'> | undefined;
  readonly signal: AbortSignal;
  readonly trace: UploadTrace | undefined;
}

/** The reading coroutine: waits for the network, hands on, waits while the channel is full. Closes the channel at the end. */
export async function readInto({ source, channel, ...options }: ReaderOptions): Promise<void> {
  const { declaredBytes = Number.POSITIVE_INFINITY, maxBytes, clock, signal, trace } = options;
  let total = 0;
  for (;;) {
    trace?.reader('next');
    clock?.waiting();
    const chunk = await source.next(signal);
    clock?.arrived(chunk?.byteLength ?? 0);
    if (!chunk) break;
    total += chunk.byteLength;
    if (total > maxBytes) throw new AppError('too_large', `a file may have at most ${maxBytes} bytes`);
    if (total > declaredBytes) throw new AppError('bad_request', `more than the declared ${declaredBytes} bytes came`);
    trace?.reader('put');
    await channel.send(chunk);
  }
  if (options.declaredBytes !== undefined && total < options.declaredBytes) {
    throw new AppError(
      'bad_request',
      `${total} of the declared ${options.declaredBytes} bytes came: send the whole file`,
    );
  }
  channel.close();
  trace?.reader('done');
}
