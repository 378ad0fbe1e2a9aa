import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BEARER, call, everyCall, startAdmin, TOKEN } from './setup.ts';
import type { Pair } from '../support/pair.ts';

const WRONG = { authorization: `Bearer ${TOKEN}x` };
const PAGE = { origin: 'https://evil.example' };
/** Refused before anything happens, but after access was granted. */
const HARMLESS = '?no-such-parameter=1';
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
      const page = target === 'GET /metrics' ? 400 : 401;
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

  it('from elsewhere everything needs it but /metrics', async () => {
    const far = Object.values(networkInterfaces())
      .flat()
      .find((each) => each !== undefined && !each.internal && each.family === 'IPv4');
    // A machine without a network has only the unit tests of access.ts for this.
    if (far === undefined) return;
    const host = far.address;
    for (const target of calls) {
      const open = target === 'GET /metrics' ? 400 : 401;
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

describe('without a token', () => {
  let pair: Pair;
  let calls: string[];
  beforeAll(async () => {
    pair = await startAdmin({ ADMIN_HOST: '0.0.0.0' });
    calls = await everyCall(pair.gateway);
  });
  afterAll(() => pair[Symbol.asyncDispose]());

  it('this machine may do all; a web page and a name made to point here may not change anything', async () => {
    for (const target of calls) {
      const statusWith = async (headers: Readonly<Record<string, string>>): Promise<number> =>
        (await call(pair.gateway, `${target}${HARMLESS}`, { headers })).status;
      expect([target, await statusWith({})]).toEqual([target, 400]);
      expect([target, await statusWith(PAGE)]).toEqual([target, isChange(target) ? 403 : 400]);
      const rebound = target === 'GET /metrics' ? 400 : 403;
      expect([target, await statusWith({ host: 'evil.example' })]).toEqual([target, rebound]);
    }
  });

  it('from elsewhere one may read', async () => {
    const far = Object.values(networkInterfaces())
      .flat()
      .find((each) => each !== undefined && !each.internal && each.family === 'IPv4');
    if (far === undefined) return;
    for (const target of calls) {
      const { status } = await call(pair.gateway, `${target}${HARMLESS}`, { host: far.address });
      expect([target, status]).toEqual([target, isChange(target) ? 403 : 400]);
    }
  });
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
