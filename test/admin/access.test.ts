import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BEARER, call, everyCall, startAdmin, TOKEN } from './setup.ts';
import { startGateway } from '../support/gateway.ts';
import type { LogLine } from '../support/gateway.ts';
import type { Pair } from '../support/pair.ts';
import { freePort } from '../support/ports.ts';
import { get } from '../support/requests.ts';
import { eventually } from '../support/wait.ts';
import type { AdminAsk } from './setup.ts';

const WRONG = { authorization: `Bearer ${TOKEN}x` };
const PAGE = { origin: 'https://evil.example' };
/** Refused before anything happens, but after access was granted. */
const HARMLESS = '?no-such-parameter=1';
/** What scrapers and probes ask for. */
const OPEN: ReadonlySet<string> = new Set([
  'GET /metrics',
  'GET /health',
  'GET /ready',
  // The operator's page without what it shows.
  ...['', '/', '/page.js', '/page.css', '/icon.svg', '/runbook'].map((file) => `GET /admin/ui${file}`),
]);
const isChange = (target: string): boolean => !target.startsWith('GET ');

describe('with a token', () => {
  let pair: Pair;
  let calls: string[];
  beforeAll(async () => {
    pair = await startAdmin({ ADMIN_TOKEN: TOKEN, ADMIN_HOST: '0.0.0.0' });
    calls = await everyCall(pair.gateway);
  });
  afterAll(() => pair[Symbol.asyncDispose]());

  it('there is something to call', () => {
    expect(calls).toEqual(expect.arrayContaining(['GET /admin/status', 'POST /admin/drain', 'PUT /admin/log-level']));
  });

  it('changes need it, also from loopback, and leave a line when they do not have it', async () => {
    for (const target of calls.filter(isChange)) {
      for (const headers of [{}, WRONG, PAGE, { authorization: `Basic ${TOKEN}` }]) {
        const { status, json, headers: answered } = await call(pair.gateway, target, { headers });
        expect([target, status, json['code'], answered['www-authenticate']]).toEqual([
          target,
          401,
          'unauthorized',
          'Bearer',
        ]);
      }
    }
    const line = await pair.gateway.waitForLog(({ msg, path }) => msg === 'admin change' && path === '/admin/drain');
    expect(line).toMatchObject({
      level: 'warn',
      audit: true,
      who: 'refused',
      remote_address: '127.0.0.1',
      method: 'POST',
      operation: 'drain',
      status: 401,
    });
    expect(pair.gateway.process.exitCode).toBeNull();
  });

  it('with it every call is let in', async () => {
    for (const target of calls) {
      const { status } = await call(pair.gateway, `${target}${HARMLESS}`, { headers: BEARER });
      expect([target, status]).toEqual([target, 400]);
    }
  });

  it('reads from loopback do not need it, those of a web page do', async () => {
    for (const target of calls.filter((each) => !isChange(each))) {
      const page = OPEN.has(target) ? 400 : 401;
      expect([target, (await call(pair.gateway, `${target}${HARMLESS}`)).status]).toEqual([target, 400]);
      expect([target, (await call(pair.gateway, `${target}${HARMLESS}`, { headers: WRONG })).status]).toEqual([
        target,
        400,
      ]);
      expect([target, (await call(pair.gateway, `${target}${HARMLESS}`, { headers: PAGE })).status]).toEqual([
        target,
        page,
      ]);
    }
  });

  it('from elsewhere everything needs it but what is for everyone', async () => {
    const far = Object.values(networkInterfaces())
      .flat()
      .find((each) => each !== undefined && !each.internal && each.family === 'IPv4');
    // A machine without a network has only the unit tests of access.ts for this.
    if (far === undefined) return;
    const host = far.address;
    for (const target of calls) {
      const open = OPEN.has(target) ? 400 : 401;
      expect([target, (await call(pair.gateway, `${target}${HARMLESS}`, { host })).status]).toEqual([target, open]);
      const let_in = await call(pair.gateway, `${target}${HARMLESS}`, { host, headers: BEARER });
      expect([target, let_in.status]).toEqual([target, 400]);
    }
    expect((await call(pair.gateway, 'GET /admin/nothing', { host })).status).toBe(401);
  });

  it('is nowhere in what is shown or logged', async () => {
    const { text } = await call(pair.gateway, 'GET /admin/config');
    expect(text).toContain('"adminToken":"***"');
    expect(text).not.toContain(TOKEN);
    await call(pair.gateway, 'PUT /admin/log-level', { headers: BEARER, body: { level: 'info' } });
    await pair.gateway.waitForLog(({ msg, who }) => msg === 'admin change' && who === 'token');
    expect(JSON.stringify(pair.gateway.log)).not.toContain(TOKEN);
  });
});

describe('without a token: one is made', () => {
  let pair: Pair;
  let calls: string[];
  beforeAll(async () => {
    pair = await startAdmin({ ADMIN_HOST: '0.0.0.0' });
    calls = await everyCall(pair.gateway);
  });
  afterAll(() => pair[Symbol.asyncDispose]());

  /** Without the token that `call` would find. */
  const bare = (target: string, ask: AdminAsk = {}) => call({ adminPort: pair.gateway.adminPort }, target, ask);

  it('a proxy on this machine hands strangers nothing that changes the gateway', async () => {
    for (const target of calls.filter(isChange)) {
      const { status, json } = await bare(target);
      expect([target, status, json['code']]).toEqual([target, 401, 'unauthorized']);
      expect(json['detail']).toContain(join(pair.gateway.stateDir, `admin-token-${pair.gateway.adminPort}`));
      const carried = await bare(target, { headers: { 'x-forwarded-for': '203.0.113.9' } });
      expect([target, carried.status]).toEqual([target, 401]);
      expect(carried.text).not.toContain(pair.gateway.stateDir);
    }
    expect(pair.gateway.process.exitCode).toBeNull();
  });

  it('its file is for its user alone, and with it every call is let in', async () => {
    const path = join(pair.gateway.stateDir, `admin-token-${pair.gateway.adminPort}`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    for (const target of calls) {
      const { status } = await bare(`${target}${HARMLESS}`, { headers: pair.gateway.bearer });
      expect([target, status]).toEqual([target, 400]);
    }
    const token = readFileSync(path, 'utf8').trim();
    expect(JSON.stringify(pair.gateway.log)).not.toContain(token);
  });

  it('this machine may read; a name that was made to point here may not', async () => {
    for (const target of calls.filter((each) => !isChange(each))) {
      const statusWith = async (headers: Readonly<Record<string, string>>): Promise<number> =>
        (await bare(`${target}${HARMLESS}`, { headers })).status;
      expect([target, await statusWith({})]).toEqual([target, 400]);
      expect([target, await statusWith(PAGE)]).toEqual([target, 400]);
      const rebound = OPEN.has(target) ? 400 : 403;
      expect([target, await statusWith({ host: 'evil.example' })]).toEqual([target, rebound]);
    }
  });

  it('from elsewhere one may read', async () => {
    const far = Object.values(networkInterfaces())
      .flat()
      .find((each) => each !== undefined && !each.internal && each.family === 'IPv4');
    if (far === undefined) return;
    for (const target of calls) {
      const { status } = await bare(`${target}${HARMLESS}`, { host: far.address });
      expect([target, status]).toEqual([target, isChange(target) ? 401 : 400]);
    }
  });
});

it('the token that was made is the same after a restart of the front', async () => {
  await using gateway = await startGateway({ as: 'supervised', env: { ADMIN_PORT: String(await freePort()) } });
  const ready = ({ msg }: LogLine): boolean => msg === 'gateway ready';
  process.kill(Number((await gateway.waitForLog(ready))['pid']), 'SIGKILL');
  await eventually(() => gateway.log.filter(ready).length === 2, 'another front is ready');
  expect((await call(gateway, 'PUT /admin/log-level', { body: { level: 'info' } })).status).toBe(200);
});

it('nowhere to keep a token: no changes, said in log and status with what to mount; all else goes on', async () => {
  await using pair = await startAdmin({ STATE_DIR: '/dev/null/none' });
  const told = await pair.gateway.waitForLog(({ msg }) => /changes .* are refused/.test(String(msg)));
  expect(told).toMatchObject({ level: 'warn', msg: expect.stringMatching(/\/dev\/null\/none.*mount a volume/) });
  for (const headers of [{}, { authorization: 'Bearer ' }, { authorization: 'Bearer undefined' }]) {
    const { status, json } = await call(pair.gateway, 'POST /admin/drain', { headers });
    expect([status, json['code']]).toEqual([403, 'forbidden']);
    expect(json['detail']).toMatch(/mount a volume/);
  }
  const { json } = await call(pair.gateway, 'GET /admin/status');
  expect(json).toMatchObject({ verdict: 'ok', changes: { token: 'none', reason: expect.stringMatching(/mount/) } });
  expect((await get(pair.port)).status).toBe(200);
});

it('a new token in its file is taken with a reload', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-token-'));
  const file = join(folder, 'token');
  try {
    writeFileSync(file, `${TOKEN}\n`);
    await using pair = await startAdmin({ ADMIN_TOKEN_FILE: file });
    const next = { authorization: 'Bearer the-next-token-of-tests' };
    expect((await call(pair.gateway, 'POST /admin/reload', { headers: next })).status).toBe(401);
    writeFileSync(file, 'the-next-token-of-tests\n');
    expect((await call(pair.gateway, 'POST /admin/reload', { headers: BEARER })).status).toBe(200);
    expect((await call(pair.gateway, 'POST /admin/reload', { headers: BEARER })).status).toBe(401);
    expect((await call(pair.gateway, 'POST /admin/reload', { headers: next })).status).toBe(200);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
