import { afterEach, expect, test } from 'vitest';
import type { ThreadOverride } from '../../shared/limits/overrides.ts';
import { OverrideBook } from './override-book.ts';
import type { OverrideChange, OverridesSnapshot } from './overrides-hash.ts';

/** A Redis that can be away, with the one hash. */
class Hash {
  away = false;
  readonly entries = new Map<string, { state: 'BANNED' | 'EXEMPT'; untilMs: number }>();
  readonly #time: { ms: number };

  constructor(time: { ms: number }) {
    this.#time = time;
  }

  read(): Promise<OverridesSnapshot | undefined> {
    return Promise.resolve(this.away ? undefined : this.#snapshot());
  }

  change({ client, state, forMs }: OverrideChange): Promise<OverridesSnapshot | undefined> {
    if (this.away) return Promise.resolve(undefined);
    if (state === 'AUTO') this.entries.delete(client);
    else this.entries.set(client, { state, untilMs: this.#time.ms + forMs });
    return Promise.resolve(this.#snapshot());
  }

  #snapshot(): OverridesSnapshot {
    const clients = Array.from(this.entries, ([client, { state, untilMs }]) => ({
      client,
      state,
      remainingMs: untilMs - this.#time.ms,
      by: '',
    }));
    return { text: JSON.stringify([...this.entries]), clients };
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
  for (let i = 0; i < 10_000; i++) hash.entries.set(`c${i}`, { state: 'BANNED', untilMs: 1e9 });
  hash.away = false;
  await book.refresh();
  hash.away = true;
  expect(await say('one-more', 'BANNED')).toBe('full');
  expect(await say('c5', 'EXEMPT')).toBe('node');
  expect(await say('c6', 'AUTO')).toBe('node');
  expect(await say('one-more', 'BANNED')).toBe('node');
});
