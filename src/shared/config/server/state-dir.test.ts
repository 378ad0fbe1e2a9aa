import { expect, test } from 'vitest';
import { configOf, problemsOf } from '../test-reading.ts';
import { defaultStateDir } from './state-dir.ts';

const NAME = 'resilient-api-gateway';

test.each([
  [{}, { id: 0, home: '/root' }, `/var/lib/${NAME}`],
  [{ XDG_STATE_HOME: '/x', HOME: '/h' }, { id: 0, home: '/root' }, `/var/lib/${NAME}`],
  [{}, { id: 7, home: '/home/a' }, `/home/a/.local/state/${NAME}`],
  [{ HOME: '/h' }, { id: 7, home: '/home/a' }, `/h/.local/state/${NAME}`],
  [{ XDG_STATE_HOME: '/x', HOME: '/h' }, { id: 7, home: '/home/a' }, `/x/${NAME}`],
  [{ XDG_STATE_HOME: 'relative' }, { id: 7, home: '/home/a' }, `/home/a/.local/state/${NAME}`],
  [{ XDG_STATE_HOME: '', HOME: '' }, { id: 7, home: undefined }, undefined],
  [{}, { id: 7, home: undefined }, undefined],
])('%j, %j: %s', (env, user, folder) => {
  expect(defaultStateDir(env, user)).toBe(folder);
});

test('STATE_DIR is an absolute path', () => {
  expect(configOf({}).server.stateDir).toBe(`/home/a/.local/state/${NAME}`);
  expect(configOf({ STATE_DIR: '/srv/gateway/' }).server.stateDir).toBe('/srv/gateway');
  expect(problemsOf({ STATE_DIR: 'here' })).toEqual([
    `STATE_DIR: got "here", expected an absolute path such as /var/lib/${NAME}`,
  ]);
});
