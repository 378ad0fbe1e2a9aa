import { expect, test } from 'vitest';
import { parseTicketKeys } from './ticket-keys.ts';

const [one, two] = [Buffer.alloc(48, 0xfb), Buffer.from(Array.from({ length: 48 }, (_, i) => i))];

test('keys in the order of their lines, as hex or base64, with comments between', () => {
  const text = `# of July\n${one.toString('base64')}\r\n\n  ${two.toString('hex').toUpperCase()}  \n`;
  const parsed = parseTicketKeys(text);
  expect(parsed.ok && parsed.keys.map((key) => Buffer.from(key))).toEqual([one, two]);
});

test.each<[string, number | undefined]>([
  ['', undefined],
  ['# none\n\n', undefined],
  [`${one.toString('hex')}\nx`, 2],
  [one.toString('hex').slice(2), 1],
  [Buffer.alloc(47).toString('base64'), 1],
  [Buffer.alloc(80).toString('base64'), 1],
  [one.toString('base64url'), 1],
])('%j is refused at line %s', (text, line) => {
  expect(parseTicketKeys(text)).toEqual({ ok: false, line });
});
