import { expect, test } from 'vitest';
import { configOf, problemsOf } from '../test-reading.ts';

const FILES = { 'g.yaml': 'upstreams: { o: { url: "http://o" } }\nroutes: [{ path: /, upstream: o }]\n' };
const FILE = { GATEWAY_CONFIG: 'g.yaml' };

test.each([
  [{}, undefined],
  [FILE, 2_000],
  [{ ...FILE, CONFIG_WATCH: 'off' }, undefined],
  [{ CONFIG_WATCH: 'on', CONFIG_WATCH_SECONDS: '60' }, 60_000],
])('with %j files are looked at every %s ms', (env, watchEveryMs) => {
  expect(configOf(env, FILES).source).toMatchObject({ watchEveryMs });
});

test('an interval out of bounds is refused', () => {
  expect(problemsOf({ CONFIG_WATCH_SECONDS: '0.5' })).toEqual([
    'CONFIG_WATCH_SECONDS: got "0.5", expected a number of seconds from 1 to 60',
  ]);
});

const SIGNED = {
  CONFIG_STORE: 'redis',
  REDIS_URL: 'redis://r',
  CONFIG_SIGNING_KEY: 'a-key-of-the-test, the-one-of-before',
};

test('versions in Redis need a Redis and a key', () => {
  expect(configOf(SIGNED).source).toMatchObject({
    store: 'redis',
    signingKeys: ['a-key-of-the-test', 'the-one-of-before'],
  });
  expect(configOf({ ...SIGNED, JOBS: 'only' }).source.store).toBe('files');
  expect(problemsOf({ CONFIG_STORE: 'redis' })).toEqual([
    'REDIS_URL: missing, expected it to be set, because CONFIG_STORE is redis',
    'CONFIG_SIGNING_KEY: missing, expected it to be set, because CONFIG_STORE is redis',
  ]);
  expect(problemsOf({ ...SIGNED, CONFIG_SIGNING_KEY: 'short' })[0]).toContain('got ***, expected keys of 16');
});

test('the demo upstream is for who has only files', () => {
  expect(configOf({}).demoUpstream).toBe(true);
  expect(configOf({ CONFIG_STORE: 'local' }).demoUpstream).toBe(false);
});
