import { hostname } from 'node:os';
import { expect, test } from 'vitest';
import { madeTokenOf } from './made-token.ts';

const TOKEN = 'b'.repeat(43);
const io = { env: {}, readFile: () => TOKEN, out: () => {}, err: () => {}, colours: false };

test.each(['http://127.0.0.1:9901', 'http://localhost:9901', 'http://[::1]:9901/', `http://${hostname()}:9901`])(
  '%s is this machine',
  (origin) => {
    expect(madeTokenOf(io, origin, '/s')).toEqual({ path: '/s/admin-token-9901', token: TOKEN, problem: undefined });
  },
);

test.each(['http://203.0.113.1:9901', 'http://127.0.0.1.example:9901', 'http://localhost.example:9901'])(
  '%s is not, and gets no token',
  (origin) => {
    expect(madeTokenOf(io, origin, '/s')).toBeUndefined();
  },
);

test('a port that goes without saying', () => {
  expect(madeTokenOf(io, 'https://127.0.0.1', '/s')?.path).toBe('/s/admin-token-443');
});
