import { expect, test } from 'vitest';
import type { AdminToken } from '../token/admin-tokens.ts';
import { mayChangeOnPage, Sessions } from './sessions.ts';

const HOST = 'localhost:9901';

function setUp(most = 3) {
  const world = { nowMs: 0, token: { kind: 'given', token: 'one' } as AdminToken, allowed: true };
  const sessions = new Sessions({
    nowMs: () => world.nowMs,
    lifeMs: 1_000,
    most,
    token: () => world.token,
    allowed: () => world.allowed,
  });
  const begin = (): { host: string; cookie: string } => ({
    host: HOST,
    cookie: `other=1; ${sessions.begin({ host: HOST }).split(';')[0] ?? ''}`,
  });
  return { world, sessions, begin };
}

test('a cookie is of its host and port, and no script reads it', () => {
  const { sessions } = setUp();
  expect(sessions.begin({ host: HOST })).toMatch(
    /^gateway_session_9901=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/admin; Max-Age=1$/,
  );
});

test('it is taken until its time is over', () => {
  const { world, sessions, begin } = setUp();
  const headers = begin();
  world.nowMs = 999;
  expect(sessions.stateOf(headers)).toBe('valid');
  world.nowMs = 1_000;
  expect(sessions.stateOf(headers)).toBe('stale');
  expect(sessions.stateOf({ host: HOST })).toBe('none');
  expect(sessions.stateOf({ host: HOST, cookie: 'gateway_session_9901=guess' })).toBe('stale');
});

test('a gateway beside it has cookies of its own', () => {
  const { sessions, begin } = setUp();
  expect(sessions.stateOf({ ...begin(), host: 'localhost:9902' })).toBe('none');
});

test('it ends by its owner, by another token, and when nobody may sign in', () => {
  const { world, sessions, begin } = setUp();
  const left = begin();
  expect(sessions.end(left)).toContain('Max-Age=0');
  expect(sessions.stateOf(left)).toBe('stale');
  const other = begin();
  world.allowed = false;
  expect(sessions.stateOf(other)).toBe('stale');
  world.allowed = true;
  world.token = { kind: 'given', token: 'two' };
  expect(sessions.stateOf(other)).toBe('stale');
});

test('the oldest makes room', () => {
  const { sessions, begin } = setUp(2);
  const [one, two, three] = [begin(), begin(), begin()];
  expect([one, two, three].map((each) => sessions.stateOf(each))).toEqual(['stale', 'valid', 'valid']);
});

test.each([
  [undefined, 'given', true],
  [undefined, 'made', false],
  ['on', 'made', true],
  ['read-only', 'given', false],
  ['off', 'given', false],
] as const)('ADMIN_UI %s with a token that was %s: %s', (mode, kind, may) => {
  expect(mayChangeOnPage(mode, { kind, token: 'x', path: '/x' })).toBe(may);
});
