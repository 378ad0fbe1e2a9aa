import { describe, expect, test } from 'vitest';
import { differencesOf } from './differences.ts';

const NOW_MS = Date.parse('2026-11-26T12:00:00Z');
const LATER_MS = Date.parse('2026-11-26T13:00:00Z');
const EARLIER_MS = Date.parse('2026-11-26T11:00:00Z');
const hash = (fields: Readonly<Record<string, string>>): ReadonlyMap<string, string> => new Map(Object.entries(fields));
const compare = (key: string, before?: Readonly<Record<string, string>>, after?: Readonly<Record<string, string>>) =>
  differencesOf(`api-gateway:${key}`, {
    before: before === undefined ? undefined : hash(before),
    after: after === undefined ? undefined : hash(after),
    nowMs: NOW_MS,
  });

const ban = (untilMs: number): string => `{"state":"BANNED","until":${untilMs},"by":"me"}`;

describe('bans', () => {
  test('one by one, and what would be lost', () => {
    const before = { '#version': '1', same: ban(LATER_MS), mine: ban(LATER_MS), over: ban(EARLIER_MS), odd: '?' };
    expect(compare('limit-overrides', before, { '#version': '2', same: ban(LATER_MS), theirs: ban(LATER_MS) })).toEqual(
      [
        { subject: 'mine', before: 'BANNED until 2026-11-26T13:00:00Z', after: undefined, loses: true },
        { subject: 'odd', before: 'unreadable until an unknown time', after: undefined, loses: true },
        { subject: 'over', before: 'BANNED until 2026-11-26T11:00:00Z, which is over', after: undefined, loses: false },
        { subject: 'theirs', before: undefined, after: 'BANNED until 2026-11-26T13:00:00Z', loses: false },
      ],
    );
  });
});

describe('breakers', () => {
  const held = (untilMs: number) => ({ a: 'OPEN', 'a:forced': 'OPEN', 'a:forced_until': String(untilMs) });

  test('a hold comes over a breaker that is closed, whatever it has counted', () => {
    expect(compare('circuit-breaker', { a: 'CLOSED', 'a:epoch': '7' }, held(LATER_MS))).toEqual([
      { subject: 'a', before: 'CLOSED', after: 'OPEN, held OPEN until 2026-11-26T13:00:00Z', loses: false },
    ]);
    expect(compare('circuit-breaker', { a: 'CLOSED', 'a:epoch': '7' }, { a: 'CLOSED', 'a:epoch': '9' })).toEqual([]);
  });

  test.each([
    ['an opening', { a: 'OPEN' }, true],
    ['a hold', { a: 'CLOSED', 'a:forced': 'CLOSED', 'a:forced_until': String(LATER_MS) }, true],
    ['a hold that is over', { a: 'CLOSED', 'a:forced': 'CLOSED', 'a:forced_until': String(EARLIER_MS) }, false],
    ['an upstream whose name has colons', { 'a:b:epoch': '1', 'a:b': 'OPEN' }, true],
  ])('of now would be lost: %s', (_, before, loses) => {
    expect(compare('circuit-breaker', before)).toMatchObject([{ loses, after: undefined }]);
  });
});

test('of anything else no value is shown', () => {
  const shown = JSON.stringify(compare('api-keys', { id: 'secret' }, { id: 'other', more: 'x' }));
  expect(shown).toContain('1 fields');
  expect(shown).not.toMatch(/secret|other/);
});
