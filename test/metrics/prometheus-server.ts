import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../support/ports.ts';
import { eventually } from '../support/wait.ts';

/** One element of an instant vector. */
export interface VectorSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A Prometheus of this test alone; it scrapes every second. */
export interface TestPrometheus extends AsyncDisposable {
  /** An instant query that gives a vector; as of this moment, else of now. */
  query(promql: string, atMs?: number): Promise<VectorSample[]>;
  /** Alerts that fire now, by name. */
  firing(): Promise<readonly string[]>;
  /**
   * Resolves when every target was scraped, with success, after this call. @returns a moment as of which all of that is
   * known: a later scrape that fails, as on a busy machine, takes everything of its target out of what is known
   */
  scrapedAgain(): Promise<number>;
}

const SCRAPE_EVERY_MS = 1_000;

interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly data: never;
}

async function start(dir: string, port: number): Promise<ChildProcess> {
  const child = spawn(
    'prometheus',
    [
      `--config.file=${join(dir, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(dir, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const killAtExit = (): void => void child.kill('SIGKILL'); // a test run that is cut short leaves nothing behind
  process.once('exit', killAtExit);
  child.once('exit', () => process.off('exit', killAtExit));
  await once(child, 'spawn'); // no prometheus on this machine: fail, never skip
  return child;
}

export interface PrometheusOptions {
  /** Of the targets; the rules of the product say `api-gateway`. */
  readonly job?: string;
  /** Contents of a file of rules. */
  readonly rules?: string;
}

/** @param targets ports of this machine that have a `/metrics` */
export async function startPrometheus(
  targets: readonly number[],
  { job = 'gateway', rules }: PrometheusOptions = {},
): Promise<TestPrometheus> {
  const dir = await mkdtemp(join(tmpdir(), 'gateway-prometheus-'));
  const port = await freePort();
  await writeFile(
    join(dir, 'prometheus.yml'),
    JSON.stringify({
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      ...(rules === undefined ? {} : { rule_files: ['rules.yml'] }),
      scrape_configs: [
        { job_name: job, static_configs: [{ targets: targets.map((target) => `127.0.0.1:${target}`) }] },
      ],
    }),
  );
  if (rules !== undefined) await writeFile(join(dir, 'rules.yml'), rules);
  const child = await start(dir, port);
  const ask = async <T>(path: string): Promise<T> => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`);
    const answer = (await response.json()) as Answer;
    if (answer.status !== 'success') throw new Error(`Prometheus: ${answer.error ?? response.status}`);
    return answer.data;
  };
  const dispose = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    await rm(dir, { recursive: true, force: true });
  };
  const isReady = (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${port}/-/ready`).then(
      ({ status }) => status === 200,
      () => false,
    );
  try {
    await eventually(isReady, 'Prometheus is ready', 20_000);
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    query: async (promql, atMs) => {
      const { result } = await ask<{ result: { metric: VectorSample['labels']; value: [number, string] }[] }>(
        `query?query=${encodeURIComponent(promql)}${atMs === undefined ? '' : `&time=${atMs / 1000}`}`,
      );
      return result.map(({ metric, value: [, value] }) => ({ labels: metric, value: Number(value) }));
    },
    firing: async () => {
      const { alerts } = await ask<{ alerts: { state: string; labels: { alertname: string } }[] }>('alerts');
      return alerts.flatMap(({ state, labels }) => (state === 'firing' ? [labels.alertname] : []));
    },
    scrapedAgain: async () => {
      const nowMs = Date.now();
      let lastMs = 0;
      await eventually(async () => {
        const { activeTargets } = await ask<{ activeTargets: { health: string; lastScrape: string }[] }>('targets');
        const scrapedMs = activeTargets.map(({ lastScrape }) => Date.parse(lastScrape));
        lastMs = Math.max(...scrapedMs);
        return (
          activeTargets.length === targets.length &&
          activeTargets.every(({ health }) => health === 'up') &&
          Math.min(...scrapedMs) > nowMs &&
          lastMs - Math.min(...scrapedMs) < SCRAPE_EVERY_MS // else the next scrape of one may have begun before that
        );
      }, 'every target is scraped again');
      return lastMs + 1; // text of a time has more digits than the time of a sample
    },
    [Symbol.asyncDispose]: dispose,
  };
}
