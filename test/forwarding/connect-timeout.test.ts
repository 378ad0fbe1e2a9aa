import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { ask, requestText, statusOf } from '../support/http.ts';
import { FORWARDING_ONLY } from '../support/pair.ts';
import { stopwatch } from '../support/wait.ts';

const LISTEN = `require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () {
  console.log(this.address().port);
});`;

// A process that listens and is stopped: the kernel takes a few connections for it, then lets every further one wait.
let child: ChildProcess;
let port: number;
const filling: Socket[] = [];
beforeAll(async () => {
  child = spawn(process.execPath, ['-e', LISTEN], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout ?? child, 'data')) as [Buffer];
  port = Number(line.toString());
  child.kill('SIGSTOP');
  for (let connected = true; connected;) {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    filling.push(socket);
    connected = await Promise.race([once(socket, 'connect').then(() => true), delay(300, false)]);
    if (filling.length > 50) throw new Error('the backlog does not fill');
  }
});
afterAll(() => {
  for (const socket of filling) socket.destroy();
  child.kill('SIGKILL');
});

it('an upstream that does not take the connection: 504 after the connect time-out', async () => {
  await using gateway = await startGateway({
    env: FORWARDING_ONLY,
    yaml: `
upstreams: { full: { url: "http://127.0.0.1:${port}" } }
routes: [{ path: /, upstream: full, timeouts: { connect_seconds: 0.4 } }]
`,
  });
  const startMs = performance.now();
  using watch = stopwatch();
  const answer = await ask(gateway.port, requestText('GET', '/'));
  const ms = performance.now() - startMs;
  const servedMs = watch.ms();
  expect(statusOf(answer)).toBe(504);
  expect(JSON.parse(answer.body)).toMatchObject({ code: 'upstream_connect_timeout' });
  expect(ms).toBeGreaterThanOrEqual(400);
  expect(servedMs).toBeLessThan(3_000);
});
