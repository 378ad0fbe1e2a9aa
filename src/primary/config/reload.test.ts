import { expect, test } from 'vitest';
import { configOf } from '../../shared/config/test-reading.ts';
import type { Config } from '../../shared/config/types.ts';
import type { Log } from '../../shared/log.ts';
import type { RequestThreads } from '../threads/request-threads.ts';
import { Reload } from './reload.ts';

test('a configuration that a part cannot take changes nothing and ends nothing', async () => {
  const first = configOf({ MAX_IN_FLIGHT: '1' });
  const next = configOf({ MAX_IN_FLIGHT: '2' });
  const taken: [string, Config][] = [];
  const log = { level: 'info', info: () => {}, warn: () => {}, error: () => {} } as unknown as Log;
  const reload = new Reload({
    load: () => ({ ok: true, loaded: { config: next, tls: undefined }, warnings: [] }),
    first: { config: first, tls: undefined },
    tryRedis: () => Promise.resolve(''),
    parts: [
      { configure: (config) => void taken.push(['a', config]) },
      {
        configure: (config) => {
          taken.push(['b', config]);
          if (config.server.maxInFlight === 2) throw new Error('no room for it');
        },
      },
    ],
    log,
  });
  const sent: number[] = [];
  const threads = {
    sendConfig: () => void sent.push(reload.active().config.server.maxInFlight),
    until: () => Promise.resolve(true),
    all: () => [],
  } as unknown as RequestThreads;

  expect(await reload.run(threads)).toMatchObject({ kind: 'refused', problems: [{ reason: 'no room for it' }] });
  expect(reload.active().config).toBe(first);
  expect(taken.map(([part, { server }]) => `${part} ${server.maxInFlight}`)).toEqual(['a 2', 'b 2', 'a 1', 'b 1']);
  expect(sent).toEqual([1]);
  expect(await reload.run(threads)).toMatchObject({ kind: 'refused' });
});
