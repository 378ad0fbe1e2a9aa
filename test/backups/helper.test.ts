import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { spawnHelper } from '../../src/shared/backups/helper-program.ts';
import { runProgram } from '../../src/shared/backups/run-program.ts';
import { until } from '../support/wait.ts';
import { DIST } from './setting.ts';

const SPIN = 'while :; do :; done';
const SCHED_IDLE = 5;

/** The fields of a process behind its name (proc(5)): state is the first of them; none: it has ended. */
function statOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
  } catch {
    return [];
  }
}
const isHalted = (pid: number): boolean => statOf(pid)[0] === 'T';
const hasEnded = (pid: number): boolean => ['Z', 'X', undefined].includes(statOf(pid)[0]);

test('a helper goes and is halted in turn, and yields to everybody', async () => {
  const child = spawnHelper(['sh', '-c', SPIN], { cpuShare: 0.25 });
  const { pid = 0 } = child;
  try {
    for (const _ of [1, 2, 3]) {
      await until(() => isHalted(pid));
      await until(() => !isHalted(pid));
    }
    await until(() => Number(statOf(pid)[38]) === SCHED_IDLE);
  } finally {
    child.kill('SIGKILL');
  }
});

test('one that may take a whole core is never halted', async () => {
  const end = await runProgram(['sh', '-c', 'grep ^State /proc/$$/status; echo done'], {
    cpuShare: 1,
    signal: new AbortController().signal,
  });
  expect(end).toMatchObject({ code: 0, stdout: expect.stringMatching(/^State:\s+[^T].*\ndone\n$/) });
});

test('one that is not there is told apart from one that fails', async () => {
  const { signal } = new AbortController();
  expect(await runProgram(['no-such-program'], { cpuShare: 0.25, signal })).toBeUndefined();
  expect(await runProgram(['sh', '-c', 'exit 3'], { cpuShare: 0.25, signal })).toMatchObject({ code: 3 });
});

test('one that is no longer wanted ends while it is halted', async () => {
  const stop = new AbortController();
  const ending = runProgram(['sh', '-c', `echo $$; ${SPIN}`], {
    cpuShare: 0.25,
    signal: stop.signal,
    onStdout: (chunk) => {
      const pid = Number(chunk.toString());
      void until(() => isHalted(pid)).then(() => stop.abort(new Error('enough')));
    },
  });
  await expect(ending).rejects.toThrow('enough');
});

/** A process with helpers, all on one core, which it keeps for a while: helpers yield. @returns it, and their process ids */
async function gatewayWithHelpers(count: number, busyMs: number): Promise<[ChildProcess, readonly number[]]> {
  const script = `
    const { spawnHelper } = await import(process.argv[1] + '/src/shared/backups/helper-program.js');
    const start = () => spawnHelper(['sh', '-c', ${JSON.stringify(SPIN)}], { cpuShare: 0.25 }).pid;
    console.log(Array.from({ length: ${count} }, start).join(' '));
    const beganMs = performance.now();
    while (performance.now() < beganMs + ${busyMs});`;
  const node = [process.execPath, '--input-type=module', '-e', script, DIST];
  const gateway = spawn('taskset', ['--cpu-list', '0', ...node], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(gateway.stdout, 'data')) as [Buffer];
  return [gateway, line.toString().split(' ').map(Number)];
}

test('one whose gateway is killed while it is halted goes too', async () => {
  const [gateway, [pid = 0]] = await gatewayWithHelpers(1, 0);
  await until(() => isHalted(pid));
  gateway.kill('SIGKILL');
  await until(() => hasEnded(pid));
});

test('one that is halted before it has begun goes with its gateway', async () => {
  const [gateway, pids] = await gatewayWithHelpers(12, 50);
  for (const pid of pids) await until(() => isHalted(pid));
  gateway.kill('SIGKILL');
  for (const pid of pids) await until(() => hasEnded(pid));
});
