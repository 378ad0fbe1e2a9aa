import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';

/** Where `npm run build` puts the program; tests run what operators run. */
const DIST = resolve(import.meta.dirname, '../..', process.env['GATEWAY_TEST_DIST'] ?? 'dist');

export interface HammerPlan {
  /** Options of a Redis connection, or start nodes of a cluster. */
  readonly connection: unknown;
  readonly cluster?: boolean;
  readonly threads: number;
  readonly seconds: number;
  readonly capacity: number;
  readonly rate: number;
  /** Clock of each process ahead of the machine's. */
  readonly skewsMs: readonly number[];
}

export interface HammerResult {
  readonly granted: number;
  /** Refused or undecided. */
  readonly other: number;
  /** From the first thread's start to the last one's end, and the time in which all were at it. */
  readonly outerSeconds: number;
  readonly innerSeconds: number;
}

interface ThreadResult {
  readonly granted: number;
  readonly other: number;
  readonly startMs: number;
  readonly endMs: number;
}

/** One process per skew, each with `threads` threads, all on one client; `during` runs while they hammer. */
export async function hammer(plan: HammerPlan, during: () => Promise<void> = async () => {}): Promise<HammerResult> {
  const results: ThreadResult[] = [];
  const processes = plan.skewsMs.map((skewMs) => {
    const child = spawn(
      process.execPath,
      [
        resolve(import.meta.dirname, 'hammer.mjs'),
        JSON.stringify({ ...plan, skewMs, dist: DIST, cluster: plan.cluster === true }),
      ],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    let onReady: () => void;
    const ready = new Promise<void>((done) => void (onReady = done));
    const ended = new Promise<void>((done, fail) => {
      child.once('close', (code) => (code === 0 ? done() : fail(new Error(`the hammer ended with ${String(code)}`))));
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      const message = JSON.parse(line) as ThreadResult | 'ready';
      if (message === 'ready') onReady();
      else results.push(message);
    });
    return { child, ready: Promise.race([ready, ended]), ended };
  });
  await Promise.all(processes.map(({ ready }) => ready));
  for (const { child } of processes) child.stdin.end('go');
  await Promise.all([during(), ...processes.map(({ ended }) => ended)]);
  const starts = results.map((one) => one.startMs);
  const ends = results.map((one) => one.endMs);
  return {
    granted: results.reduce((sum, one) => sum + one.granted, 0),
    other: results.reduce((sum, one) => sum + one.other, 0),
    outerSeconds: (Math.max(...ends) - Math.min(...starts)) / 1000,
    innerSeconds: (Math.min(...ends) - Math.max(...starts)) / 1000,
  };
}
