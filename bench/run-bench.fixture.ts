import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Tests run the bench that is built, as its users do. */
const DIST = resolve(import.meta.dirname, '..', process.env['GATEWAY_TEST_DIST'] ?? 'dist');
const PROGRAM = `const { main } = await import(${JSON.stringify(pathToFileURL(resolve(DIST, 'bench/main.js')).href)});
process.exit(await main(process.argv.slice(1)));`;

/** A bench that runs, or has run, as a process of its own. */
export interface BenchProcess {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

export function startBench(env: Readonly<Record<string, string>>, ...args: readonly string[]): BenchProcess {
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM, '--', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<number | NodeJS.Signals | null>((done) => {
    child.once('close', (code, signal) => done(code ?? signal));
  });
  return { child, stdout: () => stdout, stderr: () => stderr, ended };
}
