import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { freePort } from '../support/ports.ts';
import { get } from '../support/requests.ts';
import { scriptedUpstream } from '../support/upstreams.ts';
import { eventually } from '../support/wait.ts';

/**
 * An engine signals the first process of a container, and when that ends it kills the rest: so npm must wait for the
 * gateway, which it only does for a child that gets the signal from it and ends well.
 */
test('GATEWAY_SUPERVISE=off npm start: a SIGTERM to npm alone drains, and npm ends after it', async () => {
  await using upstream = await scriptedUpstream();
  upstream.onPath.set('/slow', 'hold');
  const port = await freePort();
  const npm = spawn('npm', ['start'], {
    cwd: resolve(import.meta.dirname, '../..'),
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      HOST: '127.0.0.1',
      PORT: String(port),
      ADMIN_PORT: '0',
      WORKERS: '1',
      GATEWAY_SUPERVISE: 'off',
      UPSTREAM_URL: upstream.url,
    },
  });
  try {
    const isReady = async (): Promise<boolean> =>
      get(port, '/ready').then(
        ({ status }) => status === 200,
        () => false,
      );
    await eventually(isReady, 'it serves', 60_000);
    const answer = get(port, '/proxy/slow');
    await eventually(() => upstream.calls.length === 1, 'the request is in flight');
    const gone = once(npm, 'exit');
    npm.kill('SIGTERM');
    await eventually(async () => !(await isReady()), 'it drains');
    expect([npm.exitCode, npm.signalCode]).toEqual([null, null]);
    upstream.release();
    expect((await answer).status).toBe(200);
    expect(await gone).toEqual([0, null]);
  } finally {
    npm.kill('SIGTERM');
  }
});
