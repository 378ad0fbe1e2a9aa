import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'vitest';

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
  /** How long a decision may take; what is late is not granted, though its tokens are gone. Default 200; not with `isLocal`. */
  readonly timeoutMs?: number;
  /** As in production, with a route that counts for itself while Redis cannot be asked; the threads saturate the machine. */
  readonly isLocal?: boolean;
}

/** Milliseconds of a slice of time in which offers are counted; hammer.mjs has the same. */
const SLICE_MS = 1_000;

export interface HammerResult {
  readonly granted: number;
  /** When the first thread began, on the machine's monotonic clock. */
  readonly startMs: number;
  /** Refused or undecided. */
  readonly other: number;
  /** From the first thread's start to the last decision, and the time in which all were at it. */
  readonly outerSeconds: number;
  readonly innerSeconds: number;
  /**
   * From the first decision to when the last request was asked that found the bucket empty: all that flowed in meanwhile
   * was taken out, however slow the machine is, if the bucket was never full again.
   */
  readonly emptiedSeconds: number;
  /** The least that one process offered within a second, in requests a second. */
  readonly leastOffered: number;
}

interface ThreadResult {
  readonly granted: number;
  readonly other: number;
  readonly startMs: number;
  readonly endMs: number;
  /** When the first of what it asked was decided. */
  readonly firstMs: number;
  /** When the last of what the store refused was asked. */
  readonly emptyMs: number;
  /** When the last of what it asked was decided. */
  readonly decidedMs: number;
  readonly offered: Readonly<Record<string, number>>;
}

/** One process per skew, each with `threads` threads, all on one client; `during` runs while they hammer. */
export async function hammer(plan: HammerPlan, during: () => Promise<void> = async () => {}): Promise<HammerResult> {
  const results: ThreadResult[] = [];
  const byProcess: ThreadResult[][] = [];
  const local = plan.isLocal === true ? { local: plan.skewsMs.length } : {};
  const processes = plan.skewsMs.map((skewMs) => {
    const threads: ThreadResult[] = [];
    byProcess.push(threads);
    const child = spawn(
      process.execPath,
      [
        resolve(import.meta.dirname, 'hammer.mjs'),
        JSON.stringify({ ...plan, ...local, skewMs, dist: DIST, cluster: plan.cluster === true }),
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
      else {
        results.push(message);
        threads.push(message);
      }
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
    startMs: Math.min(...starts),
    other: results.reduce((sum, one) => sum + one.other, 0),
    outerSeconds: (Math.max(...results.map((one) => one.decidedMs)) - Math.min(...starts)) / 1000,
    innerSeconds: (Math.min(...ends) - Math.max(...starts)) / 1000,
    emptiedSeconds:
      (Math.max(...results.map((one) => one.emptyMs)) - Math.min(...results.map((one) => one.firstMs))) / 1000,
    leastOffered: Math.min(
      ...byProcess.map((threads) => leastOffered(threads, { fromMs: Math.max(...starts), toMs: Math.min(...ends) })),
    ),
  };
}

/** Two processes whose clocks differ empty a bucket: all that it holds and what flows in is granted, and no request more. */
export async function expectExact(plan: Pick<HammerPlan, 'connection' | 'cluster' | 'seconds'>): Promise<HammerResult> {
  const [capacity, rate] = [2_000, 1_000]; // two seconds to be full again: no thread comes to that late
  const result = await hammer({ ...plan, threads: 2, capacity, rate, skewsMs: [0, 60_000], timeoutMs: 5_000 });
  expect(result.granted).toBeLessThanOrEqual(capacity + rate * result.outerSeconds);
  expect(result.emptiedSeconds).toBeGreaterThan(1);
  expect(result.granted).toBeGreaterThanOrEqual(0.99 * (capacity + rate * result.emptiedSeconds));
  return result;
}

/** Of the slices that lie whole in the time in which all were at it. */
function leastOffered(
  threads: readonly ThreadResult[],
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): number {
  let least = Number.POSITIVE_INFINITY;
  for (let slice = Math.ceil(fromMs / SLICE_MS); (slice + 1) * SLICE_MS <= toMs; slice++) {
    const offered = threads.reduce((sum, one) => sum + (one.offered[slice] ?? 0), 0);
    least = Math.min(least, (offered * 1000) / SLICE_MS);
  }
  return least;
}
