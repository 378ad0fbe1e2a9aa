import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { freePort } from '../support/ports.ts';
import { get } from '../support/requests.ts';
import { eventually } from '../support/wait.ts';

const DIST = resolve(import.meta.dirname, '../../dist/src');
const DRAIN_SECONDS = 2;
/** Deadline, margin, and what a busy machine adds. */
const ENDS_WITHIN_MS = DRAIN_SECONDS * 1000 + 6_000;

/** A gateway whose lines go to `stdout` ('pipe' = nobody reads it), on its default demo upstream's port or none. */
async function startWith(stdout: number | 'pipe', env: Readonly<Record<string, string>> = {}) {
  const port = await freePort();
  const child = spawn(process.execPath, [`${DIST}/primary/main.js`], {
    stdio: ['ignore', stdout, 'pipe'],
    env: {
      PATH: process.env['PATH'] ?? '',
      HOST: '127.0.0.1',
      PORT: String(port),
      ADMIN_PORT: '0',
      WORKERS: '2',
      GATEWAY_SUPERVISE: 'off',
      UPSTREAM_URL: 'http://127.0.0.1:1',
      CIRCUIT_BREAKER_FAILURE_THRESHOLD: '1000',
      RATE_LIMIT_ALLOWLIST: '127.0.0.1',
      ACCESS_LOG: 'on',
      DRAIN_TIMEOUT_SECONDS: String(DRAIN_SECONDS),
      ...env,
    },
  });
  let stderr = '';
  child.stderr?.on('data', (data: Buffer) => (stderr += data.toString()));
  const isReady = async (): Promise<boolean> =>
    get(port, '/ready').then(
      ({ status }) => status === 200,
      () => false,
    );
  await eventually(isReady, 'it serves');
  return {
    port,
    child,
    stderr: () => stderr,
    async end() {
      child.kill('SIGTERM');
      await eventually(() => child.exitCode !== null || child.signalCode !== null, 'it ends', ENDS_WITHIN_MS);
      return child.exitCode ?? child.signalCode;
    },
    [Symbol.dispose]: () => void child.kill('SIGKILL'),
  };
}

const LONG = `/proxy/${'x'.repeat(12_000)}`;

/** More than a pipe holds, of exchanges that fail. */
async function fail(port: number, count: number): Promise<void> {
  for (let i = 0; i < count; i += 20) {
    await Promise.all(Array.from({ length: 20 }, async () => get(port, `${LONG}${i}`)));
  }
}

test("stdout's disk is full, then SIGTERM: it ends in time and says what was lost", async () => {
  const full = openSync('/dev/full', 'w');
  try {
    using gateway = await startWith(full);
    await fail(gateway.port, 40);
    expect(await gateway.end()).toBe(0);
    expect(gateway.stderr()).toMatch(/the last \d+ bytes.* of the log \(front\) are lost: ENOSPC/);
  } finally {
    closeSync(full);
  }
});

test('the reader of stdout is stuck, then SIGTERM: it ends in time and says what was lost', async () => {
  using gateway = await startWith('pipe');
  await fail(gateway.port, 200);
  expect(await gateway.end()).toBe(0);
  expect(gateway.stderr()).toMatch(/the last \d+ bytes.* of the log \(front\) are lost/);
});

test('failures with paths of 12 KB and a slow reader: no line is torn, none is longer than a pipe takes whole', async () => {
  using gateway = await startWith('pipe');
  await fail(gateway.port, 200);
  const { stdout } = gateway.child;
  if (stdout === null) throw new Error('unreachable');
  const lines: string[] = [];
  createInterface({ input: stdout }).on('line', (line) => lines.push(line));
  const exchanges = (): Record<string, unknown>[] =>
    lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ msg }) => msg === 'exchange');
  await eventually(() => lines.filter((line) => line.includes('"exchange"')).length >= 200, 'all are there');
  const gone = once(gateway.child, 'exit');
  gateway.child.kill('SIGTERM');
  await gone;
  for (const line of lines) expect(Buffer.byteLength(line)).toBeLessThan(4_096);
  for (const { path } of exchanges().filter(({ status }) => status !== 200)) {
    expect(String(path).length).toBeLessThan(1_100);
  }
});
