import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { chooseWorker, Schedule, type Taken } from './schedule.ts';

interface Document {
  readonly jobId: string;
  readonly arrivesAt: number;
  readonly pages: number;
  readonly pageMs: number;
}

/** Runs documents through the schedule on a fake clock, each with two pages ahead; tells when each one ended. */
function simulate(documents: readonly Document[], workers: number): Map<string, number> {
  let clock = 0;
  const schedule = new Schedule<Document>(() => clock);
  const left = new Map(documents.map(({ jobId, pages }) => [jobId, { toSubmit: pages, toEnd: pages }]));
  const ends = new Map<string, number>();
  const events = documents.map((document) => ({ at: document.arrivesAt, run: () => submit(document, 2) }));
  let idle = workers;

  const submit = (document: Document, count: number) => {
    const counts = left.get(document.jobId);
    for (let index = 0; counts && index < count && counts.toSubmit > 0; index++) {
      counts.toSubmit -= 1;
      schedule.add(document.jobId, document);
    }
  };
  const start = () => {
    const taken = idle > 0 ? schedule.take() : undefined;
    if (taken === undefined) return false;
    idle -= 1;
    events.push({ at: clock + taken.item.pageMs, run: () => end(taken.item, taken.finish) });
    return true;
  };
  const end = (document: Document, finish: () => void) => {
    finish();
    idle += 1;
    const counts = left.get(document.jobId);
    if (counts) counts.toEnd -= 1;
    if (counts?.toEnd === 0) ends.set(document.jobId, clock);
    submit(document, 1);
  };

  while (events.length > 0) {
    events.sort((one, other) => one.at - other.at);
    const next = events.shift();
    clock = next?.at ?? clock;
    next?.run();
    while (start());
  }
  return ends;
}

suite('schedule', () => {
  test('units of one job go in the order they came', () => {
    const schedule = new Schedule<number>(() => 0);
    for (const page of [1, 2, 3]) schedule.add('a', page);
    assert.deepEqual([schedule.take()?.item, schedule.take()?.item, schedule.take()?.item], [1, 2, 3]);
    assert.equal(schedule.take(), undefined);
  });

  test('a unit that is put back goes first, a removed one never', () => {
    const schedule = new Schedule<number>(() => 0);
    for (const page of [1, 2, 3]) schedule.add('a', page);
    const first = schedule.take();
    schedule.putBack('a', first?.item ?? 0);
    schedule.remove('a', 2);
    schedule.remove('a', 99);
    assert.equal(schedule.size, 2);
    assert.deepEqual([schedule.take()?.item, schedule.take()?.item], [1, 3]);
  });

  test('a one-page document does not wait for a thousand-page one', () => {
    const long = { jobId: 'long', arrivesAt: 0, pages: 1000, pageMs: 200 };
    const short = { jobId: 'short', arrivesAt: 5000, pages: 1, pageMs: 200 };
    const ends = simulate([long, short], 2);
    assert.ok((ends.get('short') ?? 0) <= 5000 + 200 + 200, `the short one ended at ${ends.get('short')}`);
    assert.equal(ends.get('long'), 100_200);
  });

  test('a thousand-page document goes on while short ones keep coming', () => {
    const long = { jobId: 'long', arrivesAt: 0, pages: 1000, pageMs: 100 };
    const short = (index: number) => ({ jobId: `short${index}`, arrivesAt: index * 100, pages: 2, pageMs: 100 });
    const ends = simulate([long, ...Array.from({ length: 5000 }, (_, index) => short(index))], 2);
    const hoursOfQueue = 5000 * 100;
    assert.ok((ends.get('long') ?? Number.POSITIVE_INFINITY) < hoursOfQueue);
  });

  test('equal documents under overload end one after the other, not all at the end', () => {
    const documents = Array.from({ length: 20 }, (_, index) => ({
      jobId: `job${index}`,
      arrivesAt: index * 10,
      pages: 17,
      pageMs: 200,
    }));
    const ends = [...simulate(documents, 2)];
    assert.deepEqual(
      ends.map(([jobId]) => jobId),
      documents.map(({ jobId }) => jobId),
    );
    const total = (20 * 17 * 200) / 2;
    const median = ends[9]?.[1] ?? 0;
    assert.ok(median < total * 0.75, `half of them had ended at ${median} of ${total} ms`);
  });

  test('what a running unit has used so far makes its job a long one', () => {
    let clock = 0;
    const schedule = new Schedule<string>(() => clock);
    for (const item of ['a1', 'a2', 'a3']) schedule.add('a', item);
    schedule.take();
    clock = 1000;
    schedule.add('b', 'b1');
    assert.equal(schedule.take()?.item, 'b1');
  });

  test('of four picks one goes to the oldest long job', () => {
    let clock = 0;
    const schedule = new Schedule<string>(() => clock);
    schedule.add('long', 'first');
    const first = schedule.take();
    clock = 2000;
    first?.finish();
    for (let index = 0; index < 3; index++) schedule.add('long', 'L');
    for (let index = 0; index < 9; index++) schedule.add(`fresh${index}`, 'f');
    const picks = Array.from({ length: 12 }, () => schedule.take()?.item);
    assert.equal(picks.join(''), 'fffLfffLfffL');
  });

  test('any mix of adding, taking, ending and removing keeps every unit exactly once', () => {
    const action = fc.constantFrom('add', 'take', 'end', 'remove', 'putBack');
    fc.assert(
      fc.property(fc.array(fc.tuple(action, fc.nat(400)), { maxLength: 1200 }), (steps) => {
        const model = new Model();
        for (const [name, job] of steps) {
          model[name](`job${job}`);
          assert.equal(model.schedule.size, model.waiting.size);
        }
      }),
      { numRuns: 50 },
    );
  });
});

/** The same units in the schedule and in plain lists beside it. */
class Model {
  clock = 0;
  lastItem = 0;
  readonly schedule = new Schedule<number>(() => this.clock);
  readonly waiting = new Map<number, string>();
  readonly running: Taken<number>[] = [];

  add(jobId: string): void {
    this.lastItem += 1;
    this.schedule.add(jobId, this.lastItem);
    this.waiting.set(this.lastItem, jobId);
  }

  take(): void {
    this.clock += 50;
    const taken = this.schedule.take();
    assert.equal(taken === undefined, this.waiting.size === 0);
    if (taken === undefined) return;
    assert.ok(this.waiting.delete(taken.item));
    this.running.push(taken);
  }

  end(): Taken<number> | undefined {
    const ended = this.running.pop();
    ended?.finish();
    return ended;
  }

  putBack(): void {
    const ended = this.end();
    if (ended === undefined) return;
    this.schedule.putBack(ended.jobId, ended.item);
    this.waiting.set(ended.item, ended.jobId);
  }

  remove(): void {
    const [item, jobId] = this.waiting.entries().next().value ?? [-1, ''];
    this.schedule.remove(jobId, item);
    this.waiting.delete(item);
  }
}

suite('choice of a worker', () => {
  const isLive = (jobId: string) => jobId === 'live';
  const idle = (lastJobId: string | undefined) => ({ lastJobId });

  test('the one that has the document open goes first', () => {
    const same = idle('mine');
    assert.equal(chooseWorker([idle(undefined), same], 'mine', isLive), same);
  });

  test('else one that no other running job has its document open in', () => {
    const over = idle('over');
    assert.equal(chooseWorker([idle('live'), over], 'mine', isLive), over);
  });

  test('else any', () => {
    const other = idle('live');
    assert.equal(chooseWorker([other], 'mine', isLive), other);
    assert.equal(chooseWorker([], 'mine', isLive), undefined);
  });

  test("a caller's single job does not wait for all of another's, and higher priority goes first", () => {
    const schedule = new Schedule<string>(() => 0);
    for (const job of ['a1', 'a2', 'a3']) schedule.add(job, job, { caller: 'a', priority: 0 });
    schedule.add('b1', 'b1', { caller: 'b', priority: 0 });
    schedule.add('a4', 'a4', { caller: 'a', priority: 5 });
    const order = Array.from({ length: 5 }, () => schedule.take()?.item);
    assert.deepEqual(order, ['a4', 'b1', 'a1', 'a2', 'a3']);
  });
});
