import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { get as call } from '../support/requests.ts';
import { httpUpstream } from '../support/upstreams.ts';

/** A breaker that opens at the first failure it hears of. */
const SENSITIVE = {
  RATE_LIMIT_ALLOWLIST: '127.0.0.1',
  CIRCUIT_BREAKER_FAILURE_THRESHOLD: '1',
  ACCESS_LOG: 'off',
} as const;

async function breakerOf({ adminPort }: Gateway): Promise<string | undefined> {
  const { body } = await call(adminPort, '/admin/status');
  return (JSON.parse(body) as { breakers: { state: string }[] }).breakers[0]?.state;
}

interface Answer {
  readonly status: number;
  readonly code: string | undefined;
  readonly retryAfter: string | undefined;
}

function ask(gateway: Gateway, agent: Agent | false, path = '/proxy/'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port: gateway.port, path, agent }, (response) => {
      let text = '';
      response.on('data', (piece: Buffer) => (text += piece.toString()));
      response.on('end', () => {
        const problem = response.statusCode === 200 ? {} : (JSON.parse(text) as { code?: string });
        const status = response.statusCode ?? 0;
        resolve({ status, code: problem.code, retryAfter: response.headers['retry-after'] });
      });
    }).on('error', reject);
  });
}

it('no descriptor is left for the connection to an upstream: 503 overloaded, and its breaker hears nothing of it', async () => {
  await using upstream = await httpUpstream((_request, response) => response.end('ok'));
  await using gateway = await startGateway({ env: { ...SENSITIVE, UPSTREAM_URL: upstream.url }, front: 'native' });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  expect((await ask(gateway, agent, '/health')).status).toBe(200);
  // From now on no number is low enough for a new file of the process; those it has go on.
  execFileSync('prlimit', ['--pid', String(gateway.process.pid), '--nofile=3:']);
  expect(await ask(gateway, agent)).toEqual({ status: 503, code: 'overloaded', retryAfter: '1' });
  execFileSync('prlimit', ['--pid', String(gateway.process.pid), '--nofile=1024:']);
  const said = await gateway.waitForLog(({ msg }) => msg === 'an upstream cannot be connected to');
  expect(said).toMatchObject({ code: 'overloaded', reason: expect.stringContaining('EMFILE') as string });
  expect((await ask(gateway, false)).status).toBe(200);
  expect(await breakerOf(gateway)).toBe('CLOSED');
  const { body } = await call(gateway.adminPort, '/metrics');
  expect(body).toContain('upstream_own_shortages_total{upstream="default"} 1');
  agent.destroy();
});

it('few descriptors and many idle clients: others are served, no breaker opens, and the start says how many there may be', async () => {
  await using upstream = await httpUpstream((_request, response) => response.end('ok'));
  await using gateway = await startGateway({
    env: { ...SENSITIVE, UPSTREAM_URL: upstream.url },
    openFiles: 192,
    front: 'native',
  });
  const ready = gateway.log.find(({ msg }) => msg === 'gateway ready');
  expect(ready).toMatchObject({ maxConnections: 64, openFiles: 192 });
  const idle = Array.from({ length: 100 }, () => connect(gateway.port, '127.0.0.1').on('error', () => undefined));
  await Promise.all(idle.map((socket) => once(socket, 'connect')));
  const answers = await Promise.all(Array.from({ length: 8 }, () => ask(gateway, false)));
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
  expect(await breakerOf(gateway)).toBe('CLOSED');
  for (const socket of idle) socket.destroy();
});
