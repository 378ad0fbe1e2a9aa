import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  clientLimitsAnswer,
  limitsResetAnswer,
  overridesAnswer,
  topRefusedAnswer,
} from '../../src/shared/admin/limits.ts';
import { statusAnswer } from '../../src/shared/admin/status.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { NO_REFILL, PATIENT, startLimited, untilHealth } from '../limits-gateway/setup.ts';
import type { Limited } from '../limits-gateway/setup.ts';
import { statuses, tally } from '../support/requests.ts';
import { eventually } from '../support/wait.ts';
import { commandIn, expectRefused, parsed } from './command.ts';
import type { Run } from './command.ts';

let redis: TestRedis;
let limited: Limited;
let run: Run;

beforeAll(async () => {
  redis = await startRedis();
  limited = await startLimited({
    redis,
    env: {
      ...PATIENT,
      RATE_LIMIT_CAPACITY: '3',
      RATE_LIMIT_REFILL_RATE: NO_REFILL,
      RATE_LIMIT_KEY: 'header-plain:x-client',
    },
  });
  run = commandIn({ ADMIN_PORT: String(limited.gateway.adminPort), STATE_DIR: limited.gateway.stateDir });
});
afterAll(async () => {
  await limited[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

const ask = async (client: string, count: number): Promise<Record<number, number>> =>
  tally(await statuses(limited.port, count, { headers: { 'x-client': client } }));

const limits = async (client: string) => parsed(clientLimitsAnswer, await run('why', client, '--json'));

describe('why', () => {
  it('a client nobody has seen passes: its bucket is full', async () => {
    const [words, json] = await Promise.all([run('why', 'stranger'), run('why', 'stranger', '--json')]);
    expect(words.code).toBe(0);
    expect(words.stdout).toMatch(/^stranger passes: it has no bucket yet, so it is full\.\nNothing is known/);
    expect(JSON.parse(json.stdout)).toMatchObject({ client: 'stranger', known: false, wouldPass: true });
  });

  it('before and after a refusal: which rule, how many tokens, and when the next one passes', async () => {
    expect(await ask('alice', 1)).toEqual({ 200: 1 });
    const before = await limits('alice');
    expect(before.routes).toMatchObject([{ wouldPass: true, refusedBy: null }]);
    expect(before.buckets[0]?.tokens).toBeCloseTo(2, 0);

    expect(await ask('alice', 4)).toEqual({ 200: 2, 429: 2 });
    const after = await run('why', 'alice');
    expect(after.code).toBe(0);
    expect(after.stdout).toMatch(/^alice would be refused now\.$/m);
    expect(after.stdout).toMatch(/429 +default +in 1[56]m/);
    expect((await limits('alice')).routes).toMatchObject([{ wouldPass: false, refusedBy: 'default' }]);
  });
});

describe('limit', () => {
  it('list: who is banned or exempt, how long and by whom', async () => {
    expect((await run('limit', 'list')).stdout).toContain('nobody is banned or exempt by hand');
    await run('limit', 'ban', 'mallory', '--for', '1h');
    await run('limit', 'exempt', 'carol', '--for', '5m');
    const { overrides, allowlist } = parsed(overridesAnswer, await run('limit', 'list', '--json'));
    const by = expect.stringMatching(/^token 127\.0\.0\.1 at /);
    expect(overrides).toMatchObject([
      { client: 'carol', state: 'EXEMPT', scope: 'cluster', by },
      { client: 'mallory', state: 'BANNED', scope: 'cluster', by },
    ]);
    expect(overrides[1]?.remainingSeconds).toBeGreaterThan(3_000);
    expect(allowlist).toEqual([]);
    expect((await run('limit', 'list')).stdout).toMatch(/^mallory +BANNED +(1h|59m\S*) .*token 127\.0\.0\.1/m);
    await Promise.all([run('limit', 'auto', 'carol'), run('limit', 'auto', 'mallory')]);
    expect(parsed(overridesAnswer, await run('limit', 'list', '--json')).overrides).toEqual([]);
  });

  it('top, set, reset', async () => {
    await ask('bob', 5);
    await eventually(
      async () =>
        parsed(topRefusedAnswer, await run('limit', 'top', '--json')).clients.some((each) => each.client === 'bob'),
      'bob is among the most refused',
      20_000,
    );
    expect((await run('limit', 'top')).stdout).toMatch(/^bob +2$/m);

    const set = parsed(clientLimitsAnswer, await run('limit', 'set', 'bob', '--tokens', '1', '--json'));
    expect(set.buckets[0]?.tokens).toBeCloseTo(1, 0);
    expect(await ask('bob', 2)).toEqual({ 200: 1, 429: 1 });

    const reset = parsed(limitsResetAnswer, await run('limit', 'reset', 'bob', '--json'));
    expect(reset).toMatchObject({ client: 'bob', scope: 'cluster', deletedBuckets: 1 });
    expect(await ask('bob', 3)).toEqual({ 200: 3 });
  });

  it('ban, exempt, auto', async () => {
    const ban = await run('limit', 'ban', 'carol', '--for', '10m');
    expect(ban.stdout).toMatch(/^override +BANNED, (10m|9m \d+s) left$/m);
    expect((await run('why', 'carol')).stdout).toMatch(/^carol is refused everywhere: banned for/);
    await eventually(async () => (await ask('carol', 1))[403] === 1, 'carol is refused', 5_000);

    expect(parsed(clientLimitsAnswer, await run('limit', 'exempt', 'carol', '--json')).override?.state).toBe('EXEMPT');
    await eventually(async () => (await ask('carol', 6))[200] === 6, 'carol passes', 5_000);
    expect(parsed(clientLimitsAnswer, await run('limit', 'auto', 'carol', '--json')).override).toBeNull();
  });

  it('unknown clients: 1; arguments that are none: 64', async () => {
    const [unknown, noTokens, badTokens, empty] = await Promise.all([
      run('limit', 'get', 'nobody'),
      run('limit', 'set', 'bob'),
      run('limit', 'set', 'bob', '--tokens', 'many'),
      run('limit', 'get', ''),
    ]);
    expectRefused(unknown, 1, /Nothing is known of that client[^]*alice/);
    expectRefused(noTokens, 64, /--tokens/);
    expectRefused(badTokens, 64, /--tokens.*many.*number/);
    expectRefused(empty, 64, /not empty/);
  });
});

describe('with Redis down', () => {
  it('status says so, and what one node knows is called that', async () => {
    redis.kill('SIGKILL');
    await untilHealth(limited.port, 'degraded', 20_000);
    const [status, client, breaker, nodes] = await Promise.all([
      run('status', '--json'),
      run('limit', 'ban', 'dave', '--json'),
      run('breaker', 'open', 'default', '--for', '1s'),
      run('nodes'),
    ]);
    expect(parsed(statusAnswer, status)).toMatchObject({ verdict: 'degraded', redis: { state: 'down' } });
    expect(parsed(clientLimitsAnswer, client)).toMatchObject({ scope: 'node', override: { state: 'BANNED' } });
    expect([breaker.code, nodes.code]).toEqual([0, 0]);
    expect(breaker.stderr).toContain('this node only');
    expect(nodes.stdout).toContain('Only this node');
  });
});
