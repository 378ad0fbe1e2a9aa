import type { LookupAddress } from 'node:dns';
import { describe, expect, test } from 'vitest';
import { ThreadNames } from './thread-names.ts';

function setUp() {
  const asked: string[] = [];
  const clock = { ms: 0 };
  const names = new ThreadNames({
    post: (message) => asked.push(message.type === 'resolve' ? message.name : message.type),
    nowMs: () => clock.ms,
    random: () => 0,
  });
  const find = (host: string): Promise<string[]> =>
    new Promise((found, failed) => {
      names.lookup(host, { all: true }, (error, addresses) => {
        if (error === null) found((addresses as LookupAddress[]).map(({ address }) => address));
        else failed(error);
      });
    });
  const resolved = (name: string, addresses: readonly string[]): void =>
    names.receive({ type: 'resolved', name, addresses, freshMs: 1_000 });
  return { asked, clock, names, find, resolved };
}

describe('names of targets on a thread', () => {
  test('the front is asked once by all who wait, and again when the answer is no longer fresh', async () => {
    const { asked, clock, find, resolved } = setUp();
    const all = Promise.all([find('a'), find('a')]);
    resolved('a', ['10.0.0.1']);
    expect(await all).toEqual([['10.0.0.1'], ['10.0.0.1']]);
    clock.ms = 999;
    expect(await find('a')).toEqual(['10.0.0.1']);
    expect(asked).toEqual(['a']);
    clock.ms = 1_000;
    const again = find('a');
    resolved('a', ['10.0.0.2']);
    expect([await again, asked]).toEqual([['10.0.0.2'], ['a', 'a']]);
  });

  test('each connection starts with the next address, and all of one kind come before the other', async () => {
    const { find, resolved } = setUp();
    const first = find('a');
    resolved('a', ['10.0.0.1', '10.0.0.2', 'fd00::1', 'fd00::2']);
    expect([await first, await find('a'), await find('a')]).toEqual([
      ['10.0.0.1', '10.0.0.2', 'fd00::1', 'fd00::2'],
      ['10.0.0.2', '10.0.0.1', 'fd00::2', 'fd00::1'],
      ['10.0.0.1', '10.0.0.2', 'fd00::1', 'fd00::2'],
    ]);
  });

  test('a name without an address fails for those who wait, and the next one asks anew', async () => {
    const { asked, find, names, resolved } = setUp();
    const lost = find('a');
    names.receive({ type: 'unresolved', name: 'a', code: 'ENOTFOUND' });
    await expect(lost).rejects.toThrow('a has no address (ENOTFOUND)');
    const next = find('a');
    resolved('a', ['10.0.0.1']);
    expect([await next, asked]).toEqual([['10.0.0.1'], ['a', 'a']]);
  });

  test('a front that does not answer: what was known before has to do', async () => {
    const { clock, find, resolved } = setUp();
    const first = find('a');
    resolved('a', ['10.0.0.1']);
    await first;
    clock.ms = 5_000;
    expect(await find('a')).toEqual(['10.0.0.1']);
  });

  test('node:net may ask for one address only', () => {
    const { names, resolved } = setUp();
    const seen: unknown[] = [];
    names.lookup('a', {}, (...answer) => seen.push(answer));
    resolved('a', ['fd00::1']);
    expect(seen).toEqual([[null, 'fd00::1', 6]]);
  });
});
