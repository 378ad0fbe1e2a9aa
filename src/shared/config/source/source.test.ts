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
