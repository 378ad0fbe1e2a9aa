import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readBlocks } from '../deploy/runbook.mjs';
import type { Block } from '../deploy/runbook.mjs';
import { freePort } from '../support/ports.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { get } from '../support/requests.ts';
import { eventually } from '../support/wait.ts';
import { ROOT, textOf } from './documents.ts';

/* The first steps and the load test of README.md, typed one after the other as a newcomer does, in the shells that it speaks of. */

/** What follows a heading, up to the next one. */
const sectionOf = (heading: string): string =>
  new RegExp(`^## ${heading}\\n([^]*?)^## `, 'm').exec(textOf('README.md'))?.[1] ?? '';
const FIRST_STEPS: readonly Block[] = readBlocks(sectionOf('First steps'));

let folder: string;
let redis: TestRedis;
/** The gateway of the first terminal. */
let running: ChildProcess | undefined;
/** Ports of README.md that others may have here. */
let ports: ReadonlyMap<string, string>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gateway-readme-'));
  redis = await startRedis();
  ports = new Map([
    ['5000', String(await freePort())],
    ['6379', String(redis.port)],
  ]);
});
afterAll(async () => {
  await stop();
  await redis[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const adminPort = await freePort();
const demoPort = await freePort();
const environment = (): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  HOME: process.env['HOME'],
  HOST: '127.0.0.1',
  PORT: ports.get('5000'),
  ADMIN_PORT: String(adminPort),
  DEMO_UPSTREAM_PORT: String(demoPort),
  STATE_DIR: join(folder, 'state'),
  GATEWAY_SETUP: 'off', // another dist in the middle of other tests is nothing a newcomer has to do with
});

/** As it is typed here, where ports and folders are others. */
const here = (text: string): string =>
  text
    .replaceAll(/(?<=(?:localhost|127\.0\.0\.1):)\d+/g, (port) => ports.get(port) ?? port)
    .replaceAll('-d 10 ', '-d 1 ')
    .replaceAll('redis-cli', `redis-cli -p ${redis.port}`)
    .replaceAll('/tmp/gateway-backups', join(folder, 'backups'));

async function stop(): Promise<void> {
  if (running === undefined || running.exitCode !== null) return;
  const gone = once(running, 'exit');
  running.kill('SIGTERM');
  await gone;
}

async function start(commands: string): Promise<void> {
  await stop();
  running = spawn('bash', ['-c', here(commands).replace('npm start', 'exec npm start')], {
    cwd: ROOT,
    env: environment(),
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const serves = async (): Promise<boolean> =>
    get(Number(ports.get('5000')), '/ready').then(
      ({ status }) => status === 200,
      () => false,
    );
  await eventually(serves, 'the gateway serves', 60_000);
}

/** What the commands print, together. */
async function type(commands: string): Promise<string> {
  const shell = spawn('bash', ['-c', `exec 2>&1\n${here(commands)}`], {
    cwd: ROOT,
    env: environment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  shell.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  await once(shell, 'close');
  return printed;
}

/** Types the blocks one after the other; `npm start` takes the place of the gateway that runs. */
async function typeAll(blocks: readonly Block[]): Promise<string> {
  let all = '';
  for (const { steps } of blocks) {
    const commandsOfBlock = steps.map(({ commands }) => commands).join('\n');
    if (/npm start$/m.test(commandsOfBlock)) {
      await start(commandsOfBlock);
      continue;
    }
    let exports = '';
    for (const { commands, expected } of steps) {
      const printed = await type(exports + commands);
      exports += commands.match(/^export .*\n/gm)?.join('') ?? '';
      for (const words of expected) expect(printed, commands).toContain(here(words));
      all += printed;
    }
  }
  return all;
}

test('first request, breaker, limit, backup and restore are as README.md says', async () => {
  await start('npm start');
  expect(FIRST_STEPS.length).toBeGreaterThanOrEqual(6);
  await typeAll(FIRST_STEPS);
}, 240_000);

test('the load test of README.md is not limited', async () => {
  const blocks = readBlocks(sectionOf('Benchmarks'));
  const printed = await typeAll(blocks);
  expect(printed).not.toContain('non 2xx');
}, 240_000);
