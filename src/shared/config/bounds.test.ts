import { expect, test } from 'vitest';
import { read } from './test-reading.ts';

const HASH = 'f'.repeat(56);
const many = (count: number, each: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => each(n)).join('\n');
const upstreams = (count: number): string =>
  `upstreams:\n${many(count, (n) => `  u${n}: { url: "http://10.0.0.1:9" }`)}\n`;
const routes = (count: number, more = ''): string =>
  `routes:\n${many(count, (n) => `  - { path: /r${n}, upstream: u0${more} }`)}\n`;
const consumers = (count: number): string =>
  `consumers:\n${many(count, (n) => `  c${n}: { keys: [{ id: k, sha256: ${HASH}${n.toString(16).padStart(8, '0')} }] }`)}\n`;

/** @returns what is said about the figure, or the number of what there is */
function said(text: string, env: Readonly<Record<string, string>> = {}): unknown {
  const result = read({ GATEWAY_CONFIG: 'g.yaml', ...env }, { 'g.yaml': text });
  if (result.ok) return [result.config.routes.length, result.config.upstreams.length];
  return result.problems.map(({ key, value, expected, line }) => ({ key, value, expected, line }));
}

test('as many routes and upstreams as there may be are taken, and one more is said with the figure', () => {
  expect(said(upstreams(256) + routes(1_024))).toEqual([1_024, 256]);
  expect(said(upstreams(1) + routes(1_025))).toEqual([
    { key: 'routes', value: '1025 routes', expected: 'at most 1024', line: 3 },
  ]);
  expect(said(upstreams(257) + routes(1_030))).toMatchObject([{ value: '257 upstreams' }, { value: '1030 routes' }]);
});

test('authorizers and the upstream of UPSTREAM_URL count as well', () => {
  const authorized = routes(2, ', authorize: { url: "http://10.0.0.2:9/check", forward: [cookie] }');
  expect(said(upstreams(255) + authorized)).toEqual([2, 256]);
  expect(said(upstreams(256) + authorized)).toMatchObject([
    { value: '257 upstreams', expected: 'at most 256, authorizers included' },
  ]);
  expect(said(upstreams(256) + routes(1), { UPSTREAM_URL: 'http://10.0.0.3:9' })).toMatchObject([
    { value: '257 upstreams', expected: 'at most 256, that of UPSTREAM_URL included' },
  ]);
});

test('more consumers than files may have are refused with their number, whatever else is wrong', () => {
  const file = (n: number): string => `consumers:\n${many(34_000, (i) => `  c${n}-${i}: {}`)}`;
  const files = { 'a.yaml': upstreams(1) + routes(1), 'b.yaml': file(1), 'c.yaml': file(2), 'd.yaml': file(3) };
  const result = read({ GATEWAY_CONFIG: Object.keys(files).join(',') }, files);
  expect(result).toMatchObject({
    ok: false,
    problems: [
      {
        key: 'consumers',
        value: '102000 consumers',
        expected: expect.stringContaining('at most 100000 in files') as string,
      },
    ],
  });
});

test('a file that is too large is said with its size', () => {
  const text = upstreams(1) + routes(1) + consumers(10) + '#'.repeat(4 * 1_048_576);
  const result = read({ GATEWAY_CONFIG: 'g.yaml' }, { 'g.yaml': text });
  const bytes = Buffer.byteLength(text);
  expect(result).toMatchObject({
    ok: false,
    problems: [{ key: 'GATEWAY_CONFIG', hint: expect.stringContaining(`it has ${bytes} bytes`) as string }],
  });
});
