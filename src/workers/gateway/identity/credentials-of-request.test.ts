import { fc, test as prop } from '@fast-check/vitest';
import { expect, test } from 'vitest';
import type { RequestHead } from '../exchange/request-head.ts';
import { credentialsIn, withoutField, withoutParameter } from './credentials-of-request.ts';

const PLACES = { takesKeys: true, takesTokens: true, apiKeyHeader: 'x-api-key', queryParameter: 'q' };

function read(fields: Readonly<Record<string, string>>, query?: string, places = PLACES): unknown {
  const head = { query, header: (name: string) => fields[name] };
  const found = credentialsIn(head as unknown as RequestHead, places);
  return found === undefined ? undefined : [found.api_key, found.jwt];
}

test.each<[Record<string, string>, string | undefined, unknown]>([
  [{}, undefined, ['', '']],
  [{ 'x-api-key': 'k' }, undefined, ['k', '']],
  [{ authorization: 'Bearer t' }, undefined, ['', 't']],
  [{ authorization: 'bEARER \t t' }, undefined, ['', 't']],
  [{ authorization: 'Basic t' }, undefined, ['', '']],
  [{ authorization: 'Bearert' }, undefined, ['', '']],
  [{ 'x-api-key': 'k', authorization: 'Bearer t' }, undefined, ['k', 't']],
  [{}, 'q=a.b.c', ['', 'a.b.c']],
  [{}, 'q=gw1_a&x=1', ['gw1_a', '']],
  [{}, '%71=a%2Eb', ['', 'a.b']],
  [{}, 'q=a&q=b', undefined],
  [{}, 'q=a&%71=a', undefined],
  [{ 'x-api-key': 'k' }, 'q=k', undefined],
  [{ 'x-api-key': 'k' }, 'q=a.b', ['k', 'a.b']],
  [{}, 'q', ['', '']],
])('fields %j and query %s', (fields, query, found) => {
  expect(read(fields, query)).toEqual(found);
});

test('what a route does not take is not looked at', () => {
  expect(read({ 'x-api-key': 'k' }, undefined, { ...PLACES, takesKeys: false })).toEqual(['', '']);
  expect(read({ authorization: 'Bearer t' }, undefined, { ...PLACES, takesTokens: false })).toEqual(['', '']);
  expect(read({}, 'q=gw1_a', { ...PLACES, takesKeys: false })).toEqual(['', 'gw1_a']);
});

test.each([
  ['q=1', ''],
  ['a=1&q=2&b', 'a=1&b'],
  ['%71=1&qq=2&q&&', 'qq=2&&'],
  ['%zz=1&q=%zz', '%zz=1'],
])('the query %s without q is %s', (query, rest) => {
  expect(withoutParameter(query, 'q')).toBe(rest);
});

const line = fc.record({
  name: fc.constantFrom('A', 'X-Api-Key', 'x-api-key2', 'api-key', 'Y'),
  value: fc.constantFrom('', 'k', 'kk', 'x-api-key: k', ': k'),
});

prop.prop([fc.array(line), fc.constantFrom('k', '', ': k'), fc.array(line)])(
  'the one field goes, and nothing else',
  (before, value, after) => {
    const others = (lines: readonly { name: string; value: string }[]): string =>
      lines
        .filter(({ name }) => name !== 'X-Api-Key')
        .map((each) => `${each.name}: ${each.value}\r\n`)
        .join('');
    const fields = `${others(before)}X-API-key: ${value}\r\n${others(after)}`;
    expect(withoutField(fields, 'x-api-key', value)).toBe(others(before) + others(after));
    expect(withoutField(others(before), 'x-api-key', value)).toBe(others(before));
  },
);
