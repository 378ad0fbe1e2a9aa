import { expect, test } from 'vitest';
import { storedKey } from '../../../test/support/stored-key.ts';
import { readConfig } from '../../shared/config/read-config.ts';
import type { KeyRecord } from '../../shared/identity/key-record.ts';
import { knownConsumer } from './known-consumer.ts';
import { byStoredKeys, storedKeysOf } from './stored-keys.ts';
import type { StoredKeys } from './stored-keys.ts';

const NOW = Date.parse('2026-06-01');
const DAY = 86_400_000;
const result = readConfig({}, () => '');
if (!result.ok) throw new Error(JSON.stringify(result));
const acme = knownConsumer(result.config.identities, 'acme', NOW);

const key = (id: string, more: Partial<KeyRecord> = {}): KeyRecord =>
  storedKey(id, { consumer: 'acme', ...more }).record;
const told = (stored: Partial<StoredKeys>, hasOther = false): readonly string[] =>
  byStoredKeys(acme, { keys: [], isWhole: true, asked: undefined, nowMs: NOW, ...stored }, hasOther).map(
    ({ certain, code, why }) => `${code}${certain ? '' : '?'}: ${why}`,
  );
const [good, revoked, over, old] = [
  key('good'),
  key('revoked', { revoked_ms: NOW - DAY }),
  key('over', { expires_ms: NOW - 2 * DAY }),
  key('old', { revoked_ms: NOW - 31 * DAY }),
];

test('a consumer with a good key may come with one that is not, of those that ended lately', () => {
  expect(told({ keys: [good] })).toEqual([]);
  expect(told({ keys: [good, over, old, revoked] })).toEqual([
    'credentials_invalid?: key revoked of acme was revoked at 2026-05-31 00:00 UTC; another of its credentials is good',
    'credentials_invalid?: key over of acme ended at 2026-05-30 00:00 UTC; another of its credentials is good',
  ]);
  expect(told({ keys: [revoked] }, true)).toHaveLength(1);
  expect(told({ keys: [key('later', { revoked_ms: NOW + DAY })] })).toEqual([]);
});

test('one with none is refused, unless Redis has lost them', () => {
  expect(told({})).toEqual(['credentials_invalid: no key of acme is stored']);
  expect(told({ keys: [old] })).toEqual(['credentials_invalid: key old of acme was revoked at 2026-05-01 00:00 UTC']);
  expect(told({ keys: [revoked, over] })[0]).toBe('credentials_invalid: no stored key of acme is good');
  expect(told({ isWhole: false })).toEqual([
    'credentials_invalid?: no key of acme is stored',
    expect.stringMatching(/^identity_unavailable\?/),
  ]);
});

test('of one key that is asked about nothing else counts', () => {
  expect(told({ keys: [good, revoked], asked: 'good' })).toEqual([]);
  expect(told({ keys: [good, revoked], asked: 'revoked' })).toEqual([
    'credentials_invalid: key revoked of acme was revoked at 2026-05-31 00:00 UTC',
  ]);
});

test('of very many nobody waits for the end', async () => {
  const stored = (consumer: string) => [{ hash: '', record: key('x', { consumer }) }];
  const all = async function* () {
    yield stored('other');
    yield stored('acme');
  };
  const book = { all, state: 'well' as const };
  expect((await storedKeysOf(book, 'acme', () => false))?.keys).toHaveLength(1);
  expect(await storedKeysOf(book, 'acme', () => true)).toBeUndefined();
});
