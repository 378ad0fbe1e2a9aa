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
  /** An instant query that gives a vector, asked for now. */
  query(promql: string): Promise<VectorSample[]>;
  /** Alerts that fire now, by name. */
  firing(): Promise<readonly string[]>;
  /** Resolves when every target was scraped, with success, after this call. */
  scrapedAgain(): Promise<void>;
}

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
    query: async (promql) => {
      const { result } = await ask<{ result: { metric: VectorSample['labels']; value: [number, string] }[] }>(
        `query?query=${encodeURIComponent(promql)}`,
      );
      return result.map(({ metric, value: [, value] }) => ({ labels: metric, value: Number(value) }));
    },
    firing: async () => {
      const { alerts } = await ask<{ alerts: { state: string; labels: { alertname: string } }[] }>('alerts');
      return alerts.flatMap(({ state, labels }) => (state === 'firing' ? [labels.alertname] : []));
    },
    scrapedAgain: async () => {
      const nowMs = Date.now();
      await eventually(
        async () => {
          const { activeTargets } = await ask<{ activeTargets: { health: string; lastScrape: string }[] }>('targets');
          return (
            activeTargets.length === targets.length &&
            activeTargets.every(({ health, lastScrape }) => health === 'up' && Date.parse(lastScrape) > nowMs)
          );
        },
        'every target is scraped again',
        15_000,
      );
    },
    [Symbol.asyncDispose]: dispose,
  };
}
