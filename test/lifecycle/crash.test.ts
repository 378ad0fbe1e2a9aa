import { expect, it } from 'vitest';
import { startUpstream } from '../../src/demo/server.ts';
import { describeFronts } from '../support/fronts.ts';
import { FORWARDING_ONLY } from '../support/pair.ts';
import { startGateway } from '../support/gateway.ts';
import type { LogLine } from '../support/gateway.ts';
import { eventually } from '../support/wait.ts';
import { send, startLoad } from './load.ts';
import { exitOf, isAlive } from './run.ts';
import { freePort } from '../support/ports.ts';

const READY = (line: LogLine): boolean => line['msg'] === 'gateway ready';

describeFronts('a process that is killed', (front) => {
  it('the front dies of SIGSEGV under load: the same port serves again within 2 s, and the log says why', async () => {
    await using upstream = await startUpstream();
    const port = await freePort();
    const env = {
      ...FORWARDING_ONLY,
      UPSTREAM_URL: `http://127.0.0.1:${upstream.port}`,
      ACCESS_LOG: 'off',
      WORKERS: '2',
      PORT: String(port),
    };
    const startedMs = performance.now();
    await using gateway = await startGateway({ front, as: 'supervised', env });
    // On a machine where a start takes long, and now and then longer still, nothing can be back sooner.
    const withinMs = Math.max(2_000, 4 * (performance.now() - startedMs));
    await using load = startLoad({ ports: [port], path: '/proxy/ok', clients: 4 });
    await load.more(100);
    expect(load.failures).toEqual([]);
    const { pid } = gateway.log.find(READY) ?? {};

    const killedMs = performance.now();
    process.kill(Number(pid), 'SIGSEGV');
    await eventually(() => load.failures.length > 0, 'clients have noticed');
    await load.more(1);
    expect(performance.now() - killedMs).toBeLessThan(withinMs);
    const death = await gateway.waitForLog((line) => line['signal'] === 'SIGSEGV');
    expect(death).toMatchObject({ level: 'error', name: 'supervisor' });
    expect(death['msg']).toMatch(/the front process was ended by SIGSEGV .*starting another at once/);
    await eventually(() => gateway.log.filter(READY).length === 2, 'the second front says that it is ready');
    const [, second] = gateway.log.filter(READY);
    expect(second).toMatchObject({ port });
    expect(second?.['pid']).not.toBe(pid);

    // What failed did so while nobody listened or in the moment of death; from here on all is well.
    const failures = load.failures.length;
    await load.more(200);
    await load.stop();
    expect(load.failures.length).toBe(failures);
    expect(await gateway.stop()).toBe(0);
  });

  it('the parent is killed: the front finishes what it has and ends by itself', async () => {
    await using upstream = await startUpstream();
    const env = { UPSTREAM_URL: `http://127.0.0.1:${upstream.port}`, ACCESS_LOG: 'off' };
    await using gateway = await startGateway({ front, as: 'supervised', env });
    const pid = Number(gateway.log.find(READY)?.['pid']);
    expect(await isAlive(pid)).toBe(true);
    const slow = send(gateway.port, { path: '/proxy/slow?ms=1500' });
    await send(gateway.port, { path: '/proxy/ok' });
    gateway.process.kill('SIGKILL');
    expect(await exitOf(gateway.process)).toBe('SIGKILL');
    expect((await slow).status).toBe(200);
    await eventually(async () => !(await isAlive(pid)), 'the front has ended');
    expect(gateway.log.some((line) => line['reason'] === 'the supervising parent is gone')).toBe(true);
  });
});
