import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { breakerAnswer, breakersAnswer } from '../../src/shared/admin/breakers.ts';
import { drainAnswer, gatewayEvent, logLevel, reloadAnswer } from '../../src/shared/admin/operations.ts';
import { nodesAnswer, statusAnswer } from '../../src/shared/admin/status.ts';
import { exitOf } from '../lifecycle/run.ts';
import { freePort } from '../support/ports.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { startLimited } from '../limits-gateway/setup.ts';
import type { Limited } from '../limits-gateway/setup.ts';
import { get } from '../support/requests.ts';
import { commandIn, expectRefused, parsed, started } from './command.ts';
import type { Run } from './command.ts';

const TOKEN = 'a-token-of-the-tests';

let redis: TestRedis;
let limited: Limited;
let run: Run;
let env: Readonly<Record<string, string>>;
const folder = mkdtempSync(join(tmpdir(), 'gateway-cli-steering-'));

beforeAll(async () => {
  redis = await startRedis();
  limited = await startLimited({ redis, env: { ADMIN_TOKEN: TOKEN, NODE_NAME: 'node-a' } });
  env = { ADMIN_PORT: String(limited.gateway.adminPort), ADMIN_TOKEN: TOKEN };
  run = commandIn(env);
});
afterAll(async () => {
  await limited[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

describe('asking', () => {
  it('status and nodes, for people and as JSON', async () => {
    const [status, asJson, nodes, nodesJson] = await Promise.all([
      run('status'),
      run('status', '--json'),
      run('nodes'),
      run('nodes', '--json'),
    ]);
    expect(status.stdout).toMatch(/^verdict +ok$/m);
    expect(status.stdout).toMatch(/^0 +serving/m);
    expect(status.stdout).not.toContain('\u001b');
    expect(parsed(statusAnswer, asJson)).toMatchObject({ verdict: 'ok', node: 'node-a', redis: { state: 'up' } });
    expect(nodes.stdout).toMatch(/^node-a +.* this one$/m);
    expect(parsed(nodesAnswer, nodesJson).nodes).toMatchObject([{ name: 'node-a', self: true }]);
  });

  it('the configuration, without the token', async () => {
    const { code, stdout } = await run('config');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ +adminToken: "?\*\*\*"?$/m);
    expect(stdout).not.toContain(TOKEN);
  });

  it('events: one line each', async () => {
    const [events, json] = await Promise.all([run('events'), run('events', '--json', '--type', 'thread')]);
    expect(events.stdout).toMatch(/^\d{4}-\d\d-\d\dT\S+Z +thread +request thread serves/m);
    const all = json.stdout
      .trimEnd()
      .split('\n')
      .map((line) => gatewayEvent.parse(JSON.parse(line)));
    expect(all.map(({ type }) => type)).toEqual(['thread']);
  });
});

describe('breakers', () => {
  it('are listed, opened for a time, and given back', async () => {
    const list = parsed(breakersAnswer, await run('breaker', 'list', '--json'));
    expect(list.breakers).toMatchObject([{ upstream: 'default', state: 'CLOSED', forced: null }]);

    const opened = parsed(breakerAnswer, await run('breaker', 'open', 'default', '--for', '5m', '--json'));
    expect(opened).toMatchObject({ state: 'OPEN', scope: 'cluster', forced: { state: 'OPEN' } });
    expect(opened.forced?.remainingSeconds).toBeGreaterThan(290);
    expect((await get(limited.port)).status).toBe(503);
    const shown = await run('breaker', 'get', 'default');
    expect(shown.stdout).toMatch(/^by hand +OPEN by hand, (4m|5m)/m);

    const closed = await run('breaker', 'close', 'default', '--for', '30');
    expect(closed.stdout).toMatch(/^state +CLOSED$/m);
    expect((await get(limited.port)).status).toBe(200);
    expect(parsed(breakerAnswer, await run('breaker', 'auto', 'default', '--json')).forced).toBeNull();
  });

  it('an unknown one: 1, and those there are; a bad time: 64', async () => {
    const [get, open, time] = await Promise.all([
      run('breaker', 'get', 'nope'),
      run('breaker', 'open', 'nope'),
      run('breaker', 'open', 'default', '--for', 'soon'),
    ]);
    expectRefused(get, 1, /no such upstream[^]*default/);
    expectRefused(open, 1, /no such upstream[^]*default/);
    expectRefused(time, 64, /--for.*soon.*30s, 5m, 1h/);
  });
});

describe('the whole gateway', () => {
  it('log-level is shown, set, and refuses what is none', async () => {
    const [shown, set, bad] = [
      await run('log-level'),
      await run('log-level', 'warn', '--json'),
      await run('log-level', 'loud'),
    ];
    expect([shown.code, shown.stdout]).toEqual([0, 'info\n']);
    expect(parsed(logLevel, set)).toEqual({ level: 'warn' });
    expectRefused(bad, 64, /loud.*fatal, error, warn/s);
    expect((await run('log-level', 'info')).stdout).toBe('info\n');
  });

  it('reload, by the token of a file', async () => {
    const tokenFile = join(folder, 'token');
    writeFileSync(tokenFile, `${TOKEN}\n`);
    const anywhere = commandIn({});
    const result = await anywhere('reload', '--json', '--url', limited.gateway.adminUrl, '--token-file', tokenFile);
    expect(parsed(reloadAnswer, result)).toMatchObject({ version: 2, complete: true });
  });
});

describe('who may not', () => {
  it('a wrong token, none, and one in an odd file', async () => {
    const port = { ADMIN_PORT: env['ADMIN_PORT'] ?? '' };
    const [wrong, none, file] = await Promise.all([
      commandIn({ ...port, ADMIN_TOKEN: 'another-token' })('drain'),
      commandIn(port)('breaker', 'open', 'default'),
      run('drain', '--token-file', '/dev/null'),
    ]);
    expectRefused(wrong, 78, /does not accept this token.*ADMIN_TOKEN_FILE or --token-file/);
    expectRefused(none, 78, /needs the admin token/);
    expectRefused(file, 64, /--token-file/);
  });
});

describe('no gateway there', () => {
  it.each([[['status']], [['breaker', 'list']], [['why', '10.0.0.1']], [['events', '--follow']], [['top']]])(
    '%j: 69, what was tried and what to do',
    async (args) => {
      const free = await freePort();
      const result = await commandIn({ ADMIN_PORT: String(free) })(...args);
      expectRefused(
        result,
        69,
        new RegExp(`No gateway answers at http://127\\.0\\.0\\.1:${free} .*ECONNREFUSED[^]*--url`),
      );
    },
  );

  it('something else there', async () => {
    const result = await run('status', '--url', limited.gateway.url);
    expectRefused(result, 69, /does not know this call \(404\)/);
  });
});

it('a gateway that is frozen: 69, and what can be seen of it', async () => {
  const { process: front } = limited.gateway;
  front.kill('SIGSTOP');
  try {
    for (const args of [['status'], ['events'], ['breaker', 'list'], ['doctor']]) {
      const { code, stdout, stderr } = await run(...args, '--timeout', '1s');
      expect([args, code]).toEqual([args, args[0] === 'doctor' ? 1 : 69]);
      const said = args[0] === 'doctor' ? stdout : stderr;
      expect(said).toContain('did not answer in 1 s');
      expect(said).toMatch(
        new RegExp(`process ${front.pid} \\(.*\\) is there: it is stopped: "kill -CONT ${front.pid}"`),
      );
    }
  } finally {
    front.kill('SIGCONT');
  }
});

it('drain: the last word; who follows the events hears of it, and waits for the next gateway', async () => {
  using follower = started(env, ['events', '--follow', '--type', 'drain,log-level']);
  await follower.shows('log level info -> warn'); // of a test before
  await run('log-level', 'error');
  await follower.shows('log level info -> error');
  expect(parsed(drainAnswer, await run('drain', '--json'))).toMatchObject({ draining: true });
  expect(await exitOf(limited.gateway.process)).toBe(0);
  await follower.shows('The gateway is gone');
  expect(await follower.end()).toBe('SIGINT');
  expect((await run('status')).stderr).toContain('No gateway answers');
});
