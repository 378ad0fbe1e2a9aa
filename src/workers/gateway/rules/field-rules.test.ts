import { expect, test } from 'vitest';
import { FieldFilter } from './field-filter.ts';
import { FieldLines, FieldRules } from './field-rules.ts';

const SOURCE = { requestId: 'r1', address: '10.0.0.1', caller: undefined };

test.each([
  ['a: 1\r\nb: 2\r\n', 'b: 2\r\n'],
  ['A: 1\r\n', ''],
  ['b: 2\r\na: 1\r\nc: 3\r\na: 4\r\n', 'b: 2\r\nc: 3\r\n'],
  ['b: a: 1\r\n', 'b: a: 1\r\n'],
  ['x-long: 1\r\nX_Long: 2\r\nx.long: 3\r\nx-longer: 4\r\n', 'x-longer: 4\r\n'],
  ['', ''],
  // With CRLF between.
  ['a: 1\r\nb: 2', 'b: 2'],
  ['b: 2\r\na: 1', 'b: 2'],
  ['a: 1', ''],
  ['b: 2\r\nc: 3', 'b: 2\r\nc: 3'],
])('fields go by their names: %j -> %j', (lines, left) => {
  expect(new FieldFilter(['a', 'X-Long']).without(lines)).toBe(left);
});

test('names as long as one likes', () => {
  const name = 'n'.repeat(200);
  expect(new FieldFilter([name]).without(`${name}: 1\r\n${name}x: 2\r\n`)).toBe(`${name}x: 2\r\n`);
});

const values = (...list: readonly string[]) => list.map((value, i) => ({ name: `x-${i}`, value }));

test('variables', () => {
  const lines = new FieldLines(
    values('plain', '${request_id}', 'a ${client_ip} b ${request_id}', '$${client_ip} $ {x} $$', '${consumer}'),
  );
  expect(lines.of(SOURCE)).toBe('x-0: plain\r\nx-3: ${client_ip} $ {x} $$\r\nx-1: r1\r\nx-2: a 10.0.0.1 b r1\r\n');
  expect(lines.of({ ...SOURCE, caller: { consumer: 'acme' } })).toContain('x-4: acme\r\n');
});

test('a name that could end a line does not', () => {
  const lines = new FieldLines(values('${consumer}'));
  const consumer = 'main~a\r\nX-Evil: 1\0é';
  expect(lines.of({ ...SOURCE, caller: { consumer } })).toBe('x-0: main~a%0D%0AX-Evil:%201%00%C3%A9\r\n');
});

test('constant lines are made once', () => {
  const lines = new FieldLines(values('a', 'b'));
  expect(lines.of(SOURCE)).toBe('x-0: a\r\nx-1: b\r\n');
});

test('set takes the place of all of the name, add comes beside them', () => {
  const rules = new FieldRules({
    set: [{ name: 'a', value: '9' }],
    add: [{ name: 'b', value: '8' }],
    remove: ['c'],
  });
  const fields = 'A: 1\r\nb: 2\r\na: 3\r\nC: 4\r\n';
  expect(rules.filter.without(fields) + rules.lines.of(SOURCE)).toBe('b: 2\r\na: 9\r\nb: 8\r\n');
});
