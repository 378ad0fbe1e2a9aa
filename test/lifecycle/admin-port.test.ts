import { connect } from 'node:net';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { startPair } from '../support/pair.ts';
import { stopwatch } from '../support/wait.ts';

it('a connection to the admin port that says nothing does not hold up a stop', async () => {
  await using pair = await startPair({ env: { DRAIN_TIMEOUT_SECONDS: '20' } });
  const silent = connect(pair.gateway.adminPort, '127.0.0.1');
  silent.on('error', () => {});
  await once(silent, 'connect');
  using watch = stopwatch();
  expect(await pair.gateway.stop()).toBe(0);
  expect(watch.ms()).toBeLessThan(10_000);
  silent.destroy();
});
