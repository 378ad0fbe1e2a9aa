import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { httpUpstream } from '../support/upstreams.ts';
import { eventually, until } from '../support/wait.ts';
import { get } from '../support/requests.ts';
import { ALONE_ENV, exitOf } from './run.ts';

const DIST = resolve(import.meta.dirname, '../..', process.env['GATEWAY_TEST_DIST'] ?? 'dist');
const ALONE = ['--pid', '--fork', '--mount-proc', '--kill-child'];
/** Only root of Linux may. */
const mayUnshare = spawnSync('unshare', [...ALONE, 'true']).status === 0;
if (!mayUnshare) process.stdout.write('process 1: not tested, for this user may not unshare\n');

interface ProcessOne extends AsyncDisposable {
  /** Ends with the exit code of the gateway. */
  readonly outside: ChildProcess;
  /** Of the gateway, as seen from here. */
  pid(): number;
  text(): string;
}

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);

/** Starts the gateway as process 1 of its own process numbers, as in a container. */
function startProcessOne(env: Readonly<Record<string, string>>): ProcessOne {
  const args = [...ALONE, process.execPath, resolve(DIST, 'src/cli/main.js'), 'start'];
  const outside = spawn('unshare', args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...ALONE_ENV,
      UPSTREAM_URL: 'http://127.0.0.1:1',
      ...env,
    },
  });
  let text = '';
  outside.stdout.on('data', (data: Buffer) => (text += data.toString()));
  outside.stderr.on('data', (data: Buffer) => (text += data.toString()));
  return {
    outside,
    text: () => text,
    pid: () => childrenOf(outside.pid ?? 0)[0] ?? 0,
    async [Symbol.asyncDispose]() {
      if (outside.exitCode !== null || outside.signalCode !== null) return;
      const gone = once(outside, 'exit');
      outside.kill('SIGKILL');
      await gone;
    },
  };
}

const ready = async (gateway: ProcessOne): Promise<number> => {
  await until(() => gateway.text().includes('gateway ready'), { describe: () => gateway.text() });
  return Number(/"port":(\d+)/.exec(gateway.text())?.[1]);
};

describe.runIf(mayUnshare)('as process 1 of a container', () => {
  it.each(['on', 'off'])('SIGTERM ends it in order, with GATEWAY_SUPERVISE=%s', async (supervise) => {
    let arrived = 0;
    const held: (() => void)[] = [];
    await using upstream = await httpUpstream((_request, response) => {
      arrived++;
      held.push(() => response.end('whole'));
    });
    await using gateway = startProcessOne({
      GATEWAY_SUPERVISE: supervise,
      UPSTREAM_URL: upstream.url,
      DRAIN_DELAY_SECONDS: '1',
    });
    const port = await ready(gateway);
    const answer = get(port, '/proxy/slow');
    await eventually(() => arrived === 1, 'a request is in flight');
    process.kill(gateway.pid(), 'SIGTERM');
    await until(() => gateway.text().includes('still serving for 1 s'));
    expect((await get(port, '/ready')).status).toBe(503);
    for (const release of held) release();
    expect((await answer).body).toBe('whole');
    expect(await exitOf(gateway.outside)).toBe(0);
  });

  it('children of others that end there do it no harm', async () => {
    await using gateway = startProcessOne({});
    const port = await ready(gateway);
    const pid = gateway.pid();
    const known = childrenOf(pid);
    // As `docker exec`: the shell leaves, and its child becomes that of process 1.
    const orphan = spawnSync('nsenter', ['--target', String(pid), '--pid', 'sh', '-c', 'sleep 0.2 >/dev/null 2>&1 &']);
    expect(orphan.status).toBe(0);
    await eventually(async () => {
      const [adopted] = childrenOf(pid).filter((each) => !known.includes(each));
      return adopted !== undefined && / Z /.test(await readFile(`/proc/${adopted}/stat`, 'utf8'));
    }, 'it is left as a zombie');
    expect((await get(port, '/ready')).status).toBe(200);
    process.kill(pid, 'SIGTERM');
    expect(await exitOf(gateway.outside)).toBe(0);
  });

  it.each([
    ['78', 'on', { PORT: 'x' }],
    ['78', 'off', { PORT: 'x' }],
  ])('its exit code is that of the gateway: %s, with GATEWAY_SUPERVISE=%s', async (code, supervise, env) => {
    await using gateway = startProcessOne({ GATEWAY_SUPERVISE: supervise, ...env });
    expect(await exitOf(gateway.outside)).toBe(Number(code));
  });
});
