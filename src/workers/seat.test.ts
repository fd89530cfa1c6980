import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { pino } from 'pino';
import type { Link, LinkEvents } from './link.ts';
import type { ToWorker, Unit } from './protocol.ts';
import { Seat, type SeatOptions } from './seat.ts';
import type { Outcome } from './worker.ts';

const unit: Unit = {
  task: 't',
  moduleUrl: '',
  kind: 'run',
  jobId: 'j',
  attempt: 1,
  createdAt: 0,
  input: 0,
  files: [],
  outDir: '',
};
const KILLED = { reason: 'killed by SIGKILL', isKilled: true, error: undefined };
const FAILED = { reason: 'exit code 1', error: undefined };

/** A worker played by the test. */
class FakeLink implements Link {
  readonly pid: number;
  readonly sent: ToWorker[] = [];
  readonly events: LinkEvents;
  isKilled = false;

  constructor(pid: number, events: LinkEvents) {
    this.pid = pid;
    this.events = events;
  }

  send(message: ToWorker): void {
    this.sent.push(message);
  }

  kill(): void {
    this.isKilled = true;
    this.events.onExit(KILLED);
  }
}

function startSeat(context: TestContext, options: Partial<SeatOptions> = {}) {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  let clock = 0;
  context.mock.method(performance, 'now', () => clock);
  const links: FakeLink[] = [];
  const seat = new Seat({
    startLink: (events) => {
      const link = new FakeLink(links.length, events);
      links.push(link);
      return link;
    },
    recycleAfterMs: 1000,
    recycleAboveBytes: 1e9,
    log: pino({ level: 'silent' }),
    onChange: () => undefined,
    ...options,
  });
  const pass = (ms: number) => {
    clock += ms;
    context.mock.timers.tick(ms);
  };
  const outcomes: Outcome['type'][] = [];
  const assign = (unitId: number) => {
    seat.idle?.assign({
      unitId,
      unit,
      onProgress: () => undefined,
      onOutput: () => undefined,
      onStream: () => undefined,
      onItem: async () => undefined,
      onEnd: ({ type }) => outcomes.push(type),
    });
  };
  const link = (index: number) => links[index] ?? assert.fail(`there is no worker ${index}`);
  const end = (index: number, unitId: number, rssBytes = 0) =>
    link(index).events.onMessage({ type: 'done', unitId, json: '1', rssBytes });
  const ready = (index: number) => link(index).events.onMessage({ type: 'ready' });
  return { seat, links, link, pass, assign, end, ready, outcomes };
}

suite('seat', () => {
  test('a worker is offered once it is ready, and while it has no unit', (context) => {
    const { seat, ready, assign, end, outcomes } = startSeat(context);
    assert.equal(seat.idle, undefined);
    ready(0);
    assert.ok(seat.idle);
    assign(1);
    assert.ok(seat.isBusy && seat.idle === undefined);
    end(0, 1);
    assert.ok(!seat.isBusy && seat.idle);
    assert.deepEqual(outcomes, ['done']);
  });

  test('a worker that dies with a unit is replaced at once, and the unit is told', (context) => {
    const { links, link, ready, assign, outcomes, seat } = startSeat(context);
    ready(0);
    assign(1);
    link(0).events.onExit(KILLED);
    assert.deepEqual(outcomes, ['crashed']);
    assert.equal(links.length, 2);
    assert.equal(seat.restarts, 1);
  });

  test('workers that die at their start are tried again, ever more slowly, and then count as unavailable', (context) => {
    const { links, seat, pass, ready } = startSeat(context);
    for (const pauseMs of [100, 200, 400, 800]) {
      links.at(-1)?.events.onExit(FAILED);
      const before = links.length;
      pass(pauseMs - 1);
      assert.equal(links.length, before);
      assert.equal(seat.isUnavailable, false);
      pass(1);
      assert.equal(links.length, before + 1);
    }
    links.at(-1)?.events.onExit(FAILED);
    assert.equal(seat.isUnavailable, true);
    pass(5000);
    assert.equal(links.length, 6);
    ready(5);
    assert.ok(seat.idle);
    assert.equal(seat.isUnavailable, false);
  });

  test('workers that are killed at their start are replaced at once, however often', (context) => {
    const { links, seat } = startSeat(context);
    for (let count = 1; count < 20; count++) {
      links.at(-1)?.events.onExit(KILLED);
      assert.equal(links.length, count + 1);
    }
    assert.equal(seat.isUnavailable, false);
  });

  test('a worker that is not ready in half a minute is given up', (context) => {
    const { link, pass, seat } = startSeat(context);
    pass(29_999);
    assert.equal(link(0).isKilled, false);
    pass(1);
    assert.equal(link(0).isKilled, true);
    for (let index = 0; index < 10; index++) pass(31_000);
    assert.equal(seat.isUnavailable, true);
  });

  test('what cannot even be started counts as a death', (context) => {
    let calls = 0;
    const startLink = (): Link => {
      calls += 1;
      throw new Error('EAGAIN');
    };
    const { seat, pass } = startSeat(context, { startLink });
    for (const pauseMs of [100, 200, 400, 800]) pass(pauseMs);
    assert.equal(calls, 5);
    assert.equal(seat.isUnavailable, true);
  });

  test('a worn worker goes on until its successor is ready, and is relieved between two units', (context) => {
    const { links, link, ready, assign, end, seat } = startSeat(context, { recycleAfterMs: 0 });
    ready(0);
    assign(1);
    end(0, 1);
    assert.equal(links.length, 2);
    assign(2);
    ready(1);
    assert.equal(link(0).isKilled, false);
    end(0, 2);
    assert.equal(link(0).isKilled, true);
    assert.equal(seat.idle?.pid, 1);
    assert.equal(seat.restarts, 0);
  });

  test('a worker above its memory share is relieved at once, as it is idle', (context) => {
    const { link, ready, assign, end, seat } = startSeat(context, { recycleAboveBytes: 1000 });
    ready(0);
    assign(1);
    end(0, 1, 1001);
    ready(1);
    assert.ok(link(0).isKilled);
    assert.equal(seat.idle?.pid, 1);
  });

  test('a worker that dies while its successor starts leaves the seat to it', (context) => {
    const { links, link, ready, assign, end, seat } = startSeat(context, { recycleAfterMs: 0 });
    ready(0);
    assign(1);
    end(0, 1);
    link(0).events.onExit(KILLED);
    assert.equal(links.length, 2);
    ready(1);
    assert.equal(seat.idle?.pid, 1);
  });

  test('an idle worker gives back much memory after ten seconds, and little never', (context) => {
    const { links, ready, assign, end, pass } = startSeat(context);
    ready(0);
    assign(1);
    end(0, 1, 100 * 2 ** 20);
    pass(60_000);
    assert.equal(links.length, 1);
    assign(2);
    end(0, 2, 300 * 2 ** 20);
    pass(9999);
    assert.equal(links.length, 1);
    pass(1);
    assert.equal(links.length, 2);
  });

  test('an abort asks, and kills a worker that does not confirm', (context) => {
    const { link, ready, assign, seat, pass, outcomes } = startSeat(context);
    ready(0);
    const worker = seat.idle;
    assign(7);
    worker?.abort();
    assert.deepEqual(link(0).sent.at(-1), { type: 'abort', unitId: 7, graceMs: 100 });
    pass(599);
    assert.equal(link(0).isKilled, false);
    pass(1);
    assert.equal(link(0).isKilled, true);
    assert.deepEqual(outcomes, ['crashed']);
  });

  test('a worker whose thread had to be ended is offered again when the fresh one is ready', (context) => {
    const { link, ready, assign, seat, pass, outcomes } = startSeat(context);
    ready(0);
    const worker = seat.idle;
    assign(7);
    worker?.abort();
    link(0).events.onMessage({ type: 'stopped', unitId: 7 });
    assert.deepEqual(outcomes, ['stopped']);
    assert.ok(!seat.isBusy && seat.idle === undefined);
    ready(0);
    pass(30_000);
    assert.equal(seat.idle, worker);
  });

  test('messages about another unit are not mistaken for this one', (context) => {
    const { ready, assign, end, outcomes } = startSeat(context);
    ready(0);
    assign(1);
    end(0, 1);
    assign(2);
    end(0, 1);
    assert.deepEqual(outcomes, ['done']);
  });

  test('close ends every worker, also one that is still starting, and starts no other', async (context) => {
    const { seat, links, link, ready, assign, end } = startSeat(context, { recycleAfterMs: 0 });
    ready(0);
    assign(1);
    end(0, 1);
    await seat.close();
    assert.ok(link(0).isKilled && link(1).isKilled);
    assert.equal(links.length, 2);
    assert.equal(seat.idle, undefined);
  });
});
