import { RESULT_SCHEMA } from '../shared/result.ts';
import type { BenchResult, Measure } from '../shared/result.ts';

const GET = 'GET, 130-byte JSON';
const LARGE = 'GET, 64 KB answer';

const measure = (one: Partial<Measure> & Pick<Measure, 'subject' | 'samples'>): Measure => ({
  case: GET,
  metric: 'cpu-per-request',
  unit: 'µs',
  better: 'lower',
  ...one,
});

/** A result with invented figures: something of everything a report can show. */
export const costFixture: BenchResult = {
  schema: RESULT_SCHEMA,
  suite: 'cost',
  question: 'What does forwarding a request cost in CPU?',
  startedAt: '2026-11-23T15:00:00.000Z',
  tookSeconds: 301.4,
  commit: '1b6a1ee0f3c2d9b88f0e4d1c6a7b5e3f2d1c0b9a',
  dirty: false,
  machine: {
    cpu: 'Imaginary CPU @ 2.60GHz',
    cores: 2,
    memoryGiB: 8,
    kernel: '6.1.0-fixture',
    node: 'v20.20.0',
    pageTableIsolation: 'off',
    loadBefore: 0.12,
  },
  tools: { wrk: '4.1.0', HAProxy: '2.6.12', nginx: '1.22.1' },
  options: { connections: 64, workers: 1 },
  method: {
    load: 'wrk, one thread, 64 connections',
    rounds: 5,
    secondsPerRun: 6,
    warmUpSeconds: 3,
    pinned: { subject: 1, load: 0 },
    loadCeilingPerSecond: 61_234.5,
  },
  measures: [
    measure({ subject: 'gateway', samples: [21.4, 20.9, 22.6, 21.1, 21.8] }),
    measure({ subject: 'HAProxy', samples: [20.3, 19.8, 20.1, 20.9, 20.2] }),
    measure({ subject: 'nginx', samples: [26.3, 25.8, 28.1, 26.9, 26.2] }),
    measure({ subject: 'fastify + @fastify/http-proxy', samples: [121.3, 118.8, 135.1, 120.9, 119.2] }),
    measure({ subject: 'express + http-proxy-middleware', samples: [243.3, 240.8, 251.1, 262.9, 239.2] }),
    measure({
      subject: 'gateway',
      metric: 'throughput',
      unit: 'requests/s',
      better: 'higher',
      samples: [41_000, 42_100, 40_200],
    }),
    measure({
      subject: 'HAProxy',
      metric: 'throughput',
      unit: 'requests/s',
      better: 'higher',
      samples: [43_000, 44_100, 43_200],
    }),
    measure({ subject: 'gateway', metric: 'p99.9', unit: 'ms', samples: [2.31] }),
    measure({ subject: 'gateway', case: LARGE, samples: [71.4, 70.9, 69.6] }),
    measure({ subject: 'HAProxy', case: LARGE, samples: [60.3, 59.8, 61.1] }),
  ],
  ratios: [
    {
      case: GET,
      subject: 'gateway',
      against: 'HAProxy',
      metric: 'cpu-per-request',
      better: 'lower',
      samples: [1.054, 1.056, 1.124, 1.01, 1.079],
      target: 1.15,
    },
    {
      case: GET,
      subject: 'gateway',
      against: 'nginx',
      metric: 'cpu-per-request',
      better: 'lower',
      samples: [0.81, 0.8, 0.84],
    },
    {
      case: LARGE,
      subject: 'gateway',
      against: 'HAProxy',
      metric: 'cpu-per-request',
      better: 'lower',
      samples: [1.18, 1.19, 1.14],
      target: 1.1,
    },
    {
      case: GET,
      subject: 'gateway',
      against: 'HAProxy',
      metric: 'throughput',
      better: 'higher',
      samples: [],
      target: 0.9,
      refused: 'the load generator kept its core busy to 99 %, so it was the limit',
    },
  ],
  checks: [
    { case: GET, what: 'every answer is byte-identical', ok: true, detail: '1,204,311 answers' },
    { case: LARGE, what: 'no connection was lost', ok: false, detail: '2 of 64 were closed' },
  ],
  charts: [
    {
      title: 'Slowest answer while Redis dies and comes back',
      x: { label: 'time', unit: 's' },
      y: { label: 'p99', unit: 'ms' },
      lines: [
        {
          name: 'limited route',
          points: Array.from({ length: 30 }, (_, i) => [i, i > 9 && i < 20 ? 180 - i * 4 : 4 + (i % 3)]),
        },
        { name: 'route without limits', points: Array.from({ length: 30 }, (_, i) => [i, 3 + (i % 2)]) },
      ],
      marks: [
        { x: 10, label: 'Redis killed' },
        { x: 11, label: 'every node has noticed' },
        { x: 20, label: 'Redis is back' },
        { x: 29, label: 'the last local count was handed over' },
      ],
    },
    {
      title: 'Memory by connections',
      x: { label: 'connections', unit: '' },
      y: { label: 'resident bytes', unit: 'bytes' },
      lines: ['gateway', 'HAProxy', 'nginx'].map((name, k) => ({
        name,
        points: [1000, 5000, 10_000, 15_000].map((n): [number, number] => [n, 40e6 + n * 3000 * (k + 1)]),
      })),
    },
    {
      title: 'Latency by percentile over four decades',
      x: { label: 'answers so far', unit: '' },
      y: { label: 'latency', unit: 'ms' },
      lines: [
        {
          name: 'gateway',
          points: Array.from({ length: 5000 }, (_, i) => [i, 0.05 + 400 * Math.exp(-((i - 2500) ** 2) / 2e4)]),
        },
      ],
    },
  ],
  cpuShares: [
    { case: GET, subject: 'gateway', busyCores: { gateway: 0.98, load: 0.61, upstream: 0.22 } },
    { case: GET, subject: 'HAProxy', busyCores: { HAProxy: 0.97, load: 0.63, upstream: 0.24 } },
  ],
  notes: ['nginx + Lua was left out: libnginx-mod-http-lua is not installed.'],
};

const limited = (name: string, subject: string, samples: number[]): Measure =>
  measure({ case: name, subject, metric: 'cpu-per-request-with-redis', samples });

export const limitsFixture: BenchResult = {
  ...costFixture,
  suite: 'limits',
  question: 'What does a limit shared through Redis cost, Redis included?',
  measures: [
    limited('one hot key', 'gateway', [25.1, 24.9, 26.2]),
    limited('one hot key', 'nginx + Lua + Redis', [55.1, 54.9, 58.2]),
    limited('10,000 keys', 'gateway', [30.1, 29.9, 31.2]),
    limited('10,000 keys', 'nginx + Lua + Redis', [59.1, 57.9, 60.2]),
    limited('one key, all refused', 'gateway', [9.1, 8.9, 9.2]),
  ],
  ratios: [],
  charts: [],
};
