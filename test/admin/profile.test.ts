import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commandIn, expectRefused } from '../cli/command.ts';
import { get } from '../support/requests.ts';
import type { Pair } from '../support/pair.ts';
import { call, startAdmin } from './setup.ts';

/* Profiles of a gateway that runs: what is in them, who may have one, and that they cost nobody a request. */

interface CpuProfile {
  readonly nodes: readonly { readonly callFrame: { readonly functionName: string; readonly url: string } }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
  readonly startTime: number;
  readonly endTime: number;
}
interface HeapNode {
  readonly callFrame: { readonly url: string };
  readonly children: readonly HeapNode[];
}

let pair: Pair;
let folder: string;
beforeAll(async () => {
  pair = await startAdmin({ WORKERS: '2', RATE_LIMIT_ALLOWLIST: '127.0.0.1' });
  folder = await mkdtemp(join(tmpdir(), 'gateway-profile-'));
});
afterAll(async () => {
  await pair[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const take = (body: object) => call(pair.gateway, 'POST /admin/profile', { body });
const run = (...args: readonly string[]) =>
  commandIn({ ADMIN_PORT: String(pair.gateway.adminPort), STATE_DIR: pair.gateway.stateDir })('profile', ...args);
/** What it wrote. */
const written = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), 'utf8'));

/** Requests, one after the other, until the work is done. @returns their statuses */
async function askDuring(
  work: Promise<unknown>,
  ask: () => Promise<{ readonly status: number }> = () => get(pair.gateway.port),
): Promise<ReadonlySet<number>> {
  const statuses = new Set<number>();
  let over = false;
  void work.finally(() => (over = true)).catch(() => undefined);
  while (!over) statuses.add((await ask()).status);
  await work;
  return statuses;
}

describe('a CPU profile', () => {
  test('of a request thread shows what serves requests, which go on meanwhile', async () => {
    const answer = take({ of: 1, seconds: 1 });
    expect([...(await askDuring(answer))]).toEqual([200]);
    const { status, json } = await answer;
    expect(status).toBe(200);
    const { nodes, samples, timeDeltas, startTime, endTime } = json as unknown as CpuProfile;
    expect(samples.length).toBe(timeDeltas.length);
    expect(endTime - startTime).toBeGreaterThanOrEqual(1_000_000);
    expect(nodes.some(({ callFrame }) => callFrame.url.includes('workers-gateway-main'))).toBe(true);
  });

  test('of the front shows the front', async () => {
    const answer = take({ of: 'front', seconds: 1 });
    await askDuring(answer, () => call(pair.gateway, 'GET /admin/traffic'));
    const { status, json } = await answer;
    expect(status).toBe(200);
    const urls = (json as unknown as CpuProfile).nodes.map(({ callFrame }) => callFrame.url);
    expect(urls.some((url) => url.includes('primary-main'))).toBe(true);
    expect(urls.some((url) => url.includes('workers-gateway-main'))).toBe(false);
  });
});

test('a heap profile is a tree of functions, without what they hold', async () => {
  const answer = take({ of: 0, kind: 'heap', seconds: 1 });
  const secret = 'a-secret-that-a-client-sends';
  for (let i = 0; i < 50; i++) await get(pair.gateway.port, { headers: { 'x-secret': `${secret}-${i}` } });
  const { status, json, text } = await answer;
  expect(status).toBe(200);
  const { head } = json as unknown as { readonly head: HeapNode };
  expect(head.callFrame).toBeDefined();
  expect(Array.isArray(head.children)).toBe(true);
  expect(text).not.toContain(secret);
});

test('a heap profile in which there is nothing says so', async () => {
  const { stdout } = await run(
    '--heap',
    '--seconds',
    '0.1',
    '--thread',
    '1',
    '--out',
    join(folder, 'heap.heapprofile'),
  );
  const { samples } = written('heap.heapprofile') as { readonly samples: readonly unknown[] };
  await rm(join(folder, 'heap.heapprofile'));
  expect(stdout.includes('nothing that was allocated meanwhile is still in use')).toBe(samples.length === 0);
});

describe('bounds', () => {
  test.each([{ seconds: 31 }, { seconds: 0 }, { kind: 'snapshot' }, { of: 'parent' }, { of: -1 }])(
    '%j is refused',
    async (body) => {
      expect((await take(body)).status).toBe(400);
    },
  );

  test('a thread that is not there is 404 with those that are', async () => {
    expect(await take({ of: 9 })).toMatchObject({ status: 404, json: { code: 'unknown_thread', threads: [0, 1] } });
  });

  test('there is one at a time; the next one follows it', async () => {
    const first = take({ of: 0, seconds: 1 });
    const answers = await Promise.all([first, take({ of: 'front', seconds: 1 })]);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 409]));
    expect((await take({ of: 'front', seconds: 0.1 })).status).toBe(200);
  });

  test('without the token nothing is made, and the log says who asked', async () => {
    const refused = await call({ adminPort: pair.gateway.adminPort }, 'POST /admin/profile', { body: {} });
    expect(refused.status).toBe(401);
    const told = { audit: true, operation: 'takeProfile' };
    const line = await pair.gateway.waitForLog(({ audit, who }) => audit === true && who === 'refused');
    expect(line).toMatchObject({ ...told, status: 401 });
    await take({ of: 'front', seconds: 0.1 });
    const begins = await pair.gateway.waitForLog(
      ({ msg, operation }) => msg === 'admin change begins' && operation === 'takeProfile',
    );
    expect(begins).toMatchObject({ ...told, who: 'token' });
    const ends = await pair.gateway.waitForLog(
      ({ operation, characters }) => operation === 'takeProfile' && characters !== undefined,
    );
    expect(ends).toMatchObject({ ...told, status: 200 });
  });
});

describe('gateway profile', () => {
  test('writes a file that only its user reads, and over none', async () => {
    const file = join(folder, 'one.cpuprofile');
    const { code, stdout, stderr } = await run('--seconds', '200ms', '--out', file);
    expect([code, stderr]).toEqual([0, 'looking at thread 0 for 0.2 s ...\n']);
    expect(stdout).toContain(file);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((written('one.cpuprofile') as CpuProfile).samples).toBeDefined();
    const again = await run('--seconds', '100ms', '--out', file);
    expect([again.code, again.stdout]).toEqual([1, '']);
    expect(again.stderr).toContain('--out names another');
    expect(await readdir(folder)).toEqual(['one.cpuprofile']);
  });

  test('prints it with --out -', async () => {
    const { code, stdout } = await run('--front', '--heap', '--seconds', '100ms', '--out', '-');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toHaveProperty('head');
  });

  test('says which threads there are', async () => {
    expectRefused(await run('--thread', '9', '--seconds', '1'), 1, /no such request thread/);
  });

  test.each([[['--front', '--thread', '0']], [['--seconds', '31']], [['--thread', 'x']]])('%j is 64', async (args) => {
    expect((await run(...args)).code).toBe(64);
  });
});
