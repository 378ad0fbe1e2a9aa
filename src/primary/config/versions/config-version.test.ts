import { expect, test } from 'vitest';
import { readVersion, signVersion } from './config-version.ts';
import type { UnsignedVersion } from './config-version.ts';

const KEY = 'a-key-of-the-test';
const unsigned: UnsignedVersion = {
  version: 7,
  at: '2026-01-02T03:04:05.000Z',
  by: 'token 127.0.0.1 at a',
  comment: '',
  changes: '+routes[a]',
  files: [
    { name: 'a.yaml', text: 'x' },
    { name: 'b.yaml', text: 'y' },
  ],
};
const signed = signVersion(unsigned, 'version', [KEY, 'the-key-of-before']);
const refusalOf = (value: unknown, keys: readonly string[] = [KEY]): unknown => {
  const read = readVersion(typeof value === 'string' ? value : JSON.stringify(value), 'version', keys);
  return read.ok ? 'believed' : read.refusal;
};

test('what one of the keys has signed is believed', () => {
  expect(refusalOf(signed)).toBe('believed');
  expect(refusalOf(signed, ['the-next-key', KEY])).toBe('believed');
});

test.each([
  ['another key', signed, ['another-key-than-that']],
  ['no key', signed, []],
  ['another number', { ...signed, version: 8 }],
  ['another text', { ...signed, files: [{ name: 'a.yaml', text: 'z' }, signed.files[1]] }],
  ['text moved to another file', { ...signed, files: [{ name: 'a.yaml', text: 'x,b.yaml,y' }] }],
  ['another author', { ...signed, by: 'me' }],
  ['a short signature', { ...signed, signature: signed.signature.slice(0, 8) }],
  ['a signature that is none', { ...signed, signature: 'zz' }],
  ['what was only proposed', signVersion(unsigned, 'proposal', [KEY])],
])('%s: a false signature', (_name, value, keys?: readonly string[]) => {
  expect(refusalOf(value, keys)).toBe('false_signature');
});

test('without a signature it is unsigned, and anything else is malformed', () => {
  expect(refusalOf(unsigned)).toBe('unsigned');
  expect(refusalOf('{')).toBe('malformed');
  expect(refusalOf({ ...signed, files: [] })).toBe('malformed');
});
