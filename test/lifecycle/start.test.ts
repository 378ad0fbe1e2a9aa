import { describe, expect, it } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { send } from './load.ts';
import { runToEnd } from './run.ts';
import { takenPort } from '../support/ports.ts';

const UPSTREAM = { UPSTREAM_URL: 'http://127.0.0.1:1' };

describe.each(['front', 'supervised'] as const)('start, %s', (as) => {
  it('says where it listens, and does', async () => {
    await using gateway = await startGateway({ as, env: { ...UPSTREAM, WORKERS: '2' } });
    const ready = await gateway.waitForLog((line) => line['msg'] === 'gateway ready');
    expect(ready).toMatchObject({
      level: 'info',
      threads: 2,
      configVersion: 1,
      url: `http://127.0.0.1:${gateway.port}`,
      adminUrl: `http://127.0.0.1:${gateway.adminPort}`,
    });
    expect((await send(gateway.port, { path: '/ready' })).status).toBe(200);
    const status = await send(gateway.adminPort, { path: '/admin/status' });
    expect(JSON.parse(status.body)).toMatchObject({
      configVersion: 1,
      threads: [
        { slot: 0, state: 'serving', inFlight: 0 },
        { slot: 1, state: 'serving', inFlight: 0 },
      ],
    });
    expect(await gateway.stop()).toBe(0);
    expect(gateway.stderr()).toBe('');
    expect(gateway.log.filter((line) => line['notJson'] === true)).toEqual([]);
  });
});

// The ports are taken: a gateway that opened one before it looked at its configuration would end with 69.
describe.each([
  ['front', { entry: 'front' }],
  ['supervised', { entry: 'cli', args: ['start'] }],
] as const)('what keeps it from starting, %s', (_name, program) => {
  it('a bad configuration: every problem, 78, no port, no second try', async () => {
    await using taken = await takenPort();
    const env = {
      PORT: String(taken.port),
      ADMIN_PORT: 'ninety',
      WORKERS: '0',
      IDLE_TIMEOUT_SECONDS: 'long',
      UPSTREAM_URL: 'ftp://example.test',
    };
    const { code, stdout, stderr } = await runToEnd(program, env);
    expect(code).toBe(78);
    expect(stdout).toBe('');
    for (const key of ['ADMIN_PORT', 'WORKERS', 'IDLE_TIMEOUT_SECONDS', 'UPSTREAM_URL']) {
      expect(stderr.match(new RegExp(`^${key}: got .*, expected `, 'gm'))).toHaveLength(1);
    }
  });

  it('a YAML file that is not there', async () => {
    const { code, stdout, stderr } = await runToEnd(program, { PORT: '0', GATEWAY_CONFIG: '/nowhere/gateway.yaml' });
    expect([code, stdout]).toEqual([78, '']);
    expect(stderr).toContain('/nowhere/gateway.yaml');
  });

  it.each(['PORT', 'ADMIN_PORT'])('%s is taken: 69 and one line that says so', async (setting) => {
    await using taken = await takenPort();
    const env = {
      ...UPSTREAM,
      HOST: '127.0.0.1',
      PORT: '0',
      ADMIN_PORT: '0',
      WORKERS: '1',
      [setting]: String(taken.port),
    };
    const { code, stdout, stderr } = await runToEnd(program, env);
    expect(code).toBe(69);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain(`${setting}=${taken.port} is taken by `);
    expect(stderr).toContain(`(pid ${process.pid})`);
    expect(stdout).not.toContain('gateway ready');
    expect(stdout).not.toContain('starting another');
  });
});
