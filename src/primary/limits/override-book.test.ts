import { afterEach, expect, test, vi } from 'vitest';
import type { ThreadOverride } from '../../shared/limits/overrides.ts';
import { OverrideBook } from './override-book.ts';
import type { OverrideChange, OverridesSnapshot, WrittenChange } from './overrides-hash.ts';

/** A Redis that can be away, with the one hash. */
class Hash {
  away = false;
  version = 0;
  /** Times that all was read. */
  readings = 0;
  readonly entries = new Map<string, { state: 'BANNED' | 'EXEMPT'; untilMs: number }>();
  readonly #time: { ms: number };

  constructor(time: { ms: number }) {
    this.#time = time;
  }

  get stamp(): string {
    return `${this.version}:${this.entries.size}`;
  }

  read(known: string): Promise<OverridesSnapshot | 'same' | undefined> {
    if (this.away) return Promise.resolve(undefined);
    if (known === this.stamp) return Promise.resolve('same');
    this.readings++;
    return Promise.resolve(this.#snapshot());
  }

  change({ client, state, forMs }: OverrideChange): Promise<WrittenChange | 'full' | undefined> {
    if (this.away) return Promise.resolve(undefined);
    if (state !== 'AUTO' && this.entries.size >= 1_000 && !this.entries.has(client)) return Promise.resolve('full');
    const before = this.stamp;
    const until = this.#time.ms + forMs;
    if (state === 'AUTO') this.entries.delete(client);
    else this.entries.set(client, { state, untilMs: until });
    this.version++;
    return Promise.resolve({ until, before, after: this.stamp });
  }

  #snapshot(): OverridesSnapshot {
    const clients = Array.from(this.entries, ([client, { state, untilMs }]) => ({
      client,
      state,
      until: untilMs,
      remainingMs: untilMs - this.#time.ms,
      by: '',
    }));
    return { stamp: this.stamp, clients: clients.reverse() }; // in an order of its own
  }
}

const books: OverrideBook[] = [];
afterEach(() => {
  for (const book of books.splice(0)) book.close();
});

function setUp() {
  const time = { ms: 1_000 };
  const hash = new Hash(time);
  const applied: (readonly ThreadOverride[])[] = [];
  const book = new OverrideBook({
    hash,
    clock: () => time.ms,
    apply: (overrides) => {
      applied.push(overrides);
      return Promise.resolve();
    },
  });
  books.push(book);
  const say = (client: string, state: OverrideChange['state'], forMs = 60_000) =>
    book.change({ client, state, forMs, by: 'test' });
  return { time, hash, applied, book, say };
}

test('threads hear of changes, and only of changes', async () => {
  const { time, book, applied, say } = setUp();
  await book.refresh();
  expect(applied).toEqual([]);
  expect(await say('a', 'BANNED')).toBe('cluster');
  time.ms += 5_000;
  await book.refresh();
  await book.refresh();
  expect(applied).toEqual([[['a', 'BANNED', 61_000]]]);
  expect(book.get('a')).toEqual({ state: 'BANNED', remainingMs: 55_000 });
  time.ms = 61_000;
  expect(book.get('a')).toBeUndefined();
  await book.refresh();
  expect(applied.at(-1)).toEqual([]); // it ended by time, though nobody has taken it off the hash
});

test('what is said while Redis is away holds here, and is written with the time that is left', async () => {
  const { time, hash, book, say } = setUp();
  await say('lifted', 'BANNED');
  await say('kept', 'EXEMPT');
  hash.away = true;
  expect(await say('new', 'BANNED')).toBe('node');
  expect(await say('lifted', 'AUTO')).toBe('node');
  expect(await say('short', 'BANNED', 5_000)).toBe('node');
  await book.refresh();
  expect(['lifted', 'kept', 'new'].map((client) => book.get(client)?.state)).toEqual([undefined, 'EXEMPT', 'BANNED']);
  time.ms += 10_000;
  hash.away = false;
  await book.refresh();
  expect([...hash.entries]).toEqual([
    ['kept', { state: 'EXEMPT', untilMs: 61_000 }],
    ['new', { state: 'BANNED', untilMs: 61_000 }],
  ]);
  hash.entries.clear();
  await book.refresh();
  expect(book.all).toEqual([]); // Redis has the say again
});

test('a lifted ban stays lifted while Redis is away, also after an hour of silence', async () => {
  const { time, hash, book, say } = setUp();
  await say('a', 'BANNED', 86_400_000);
  hash.away = true;
  await say('a', 'AUTO');
  time.ms += 3_600_000;
  await book.refresh();
  expect(book.get('a')).toBeUndefined();
  hash.away = false;
  await book.refresh();
  expect([book.get('a'), hash.entries.size]).toEqual([undefined, 0]);
});

test('there can be too many', async () => {
  const { hash, say, book } = setUp();
  hash.away = true;
  for (let i = 0; i < 1_000; i++) hash.entries.set(`c${i}`, { state: 'BANNED', untilMs: 1e9 });
  hash.away = false;
  await book.refresh();
  hash.away = true;
  expect(await say('one-more', 'BANNED')).toBe('full');
  expect(await say('c5', 'EXEMPT')).toBe('node');
  expect(await say('c6', 'AUTO')).toBe('node');
  expect(await say('one-more', 'BANNED')).toBe('node');
});

test('a ban holds before Redis has answered, and not any longer if there are too many', async () => {
  const { hash, book, say, applied } = setUp();
  const asked = say('bad', 'BANNED');
  expect(applied).toEqual([[['bad', 'BANNED', 61_000]]]);
  expect(book.get('bad')?.state).toBe('BANNED');
  expect(await asked).toBe('cluster');
  expect(applied).toHaveLength(1);
  for (let i = 0; i < 1_000; i++) hash.entries.set(`c${i}`, { state: 'BANNED', untilMs: 1e9 }); // not read yet
  const tooMany = say('one-more', 'BANNED');
  expect(book.get('one-more')?.state).toBe('BANNED');
  expect(await tooMany).toBe('full');
  expect(book.get('one-more')).toBeUndefined();
  expect(applied.at(-1)).toEqual([['bad', 'BANNED', 61_000]]);
});

test('changes of its own are not read again, those of others are, and threads hear of each once', async () => {
  const { hash, book, say, applied } = setUp();
  await book.refresh();
  for (const client of ['a', 'b', 'c']) await say(client, 'BANNED');
  await book.refresh();
  expect([hash.readings, applied.length]).toEqual([1, 3]);
  await hash.change({ client: 'd', state: 'EXEMPT', forMs: 5_000, by: 'another node' });
  await say('e', 'BANNED'); // its stamp must not hide the other one
  await book.refresh();
  expect(hash.readings).toBe(2);
  expect(book.all.map(([client]) => client).sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
  expect(applied).toHaveLength(5);
});

test('an entry that was edited by hand is seen within half a minute, many events in a second are one reading', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  try {
    const { hash, book, say } = setUp();
    await say('a', 'BANNED');
    await book.refresh();
    hash.entries.set('a', { state: 'EXEMPT', untilMs: 61_000 });
    await vi.advanceTimersByTimeAsync(30_000);
    expect(book.get('a')?.state).toBe('EXEMPT');
    const before = hash.readings;
    for (let i = 0; i < 20; i++) {
      await hash.change({ client: `c${i}`, state: 'BANNED', forMs: 5_000, by: 'another node' });
      book.hint();
      await vi.advanceTimersByTimeAsync(10);
    }
    expect(hash.readings - before).toBe(1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(hash.readings - before).toBe(2);
    expect(book.get('c19')?.state).toBe('BANNED');
  } finally {
    vi.useRealTimers();
  }
});
