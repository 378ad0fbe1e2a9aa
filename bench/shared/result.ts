import { z } from 'zod';
import { PAGE_TABLE_ISOLATIONS } from './machine.ts';

/**
 * What every suite writes as JSON: one schema for all, so that reports and comparisons need to know no suite. Numbers are
 * plain, in the unit beside them; a sample is one round's value, in the order of the rounds.
 */
export const RESULT_SCHEMA = 'resilient-api-gateway/bench@1';

const better = z.enum(['lower', 'higher', 'neither']);

/** One figure of one subject in one case, a value for each round. */
const measure = z.strictObject({
  /** What was done, such as `GET 130 bytes`. */
  case: z.string().min(1),
  /** Who did it, such as `gateway` or `HAProxy`. */
  subject: z.string().min(1),
  /** What was measured: `cpu-per-request`, `throughput`, `p99` … */
  metric: z.string().regex(/^[a-z0-9][a-z0-9.-]*$/),
  unit: z.string(),
  better,
  samples: z.array(z.number()).min(1),
});

/** A figure of one subject over the same figure of another, taken within each round. */
const ratio = z.strictObject({
  case: z.string().min(1),
  subject: z.string().min(1),
  against: z.string().min(1),
  metric: z.string().min(1),
  better,
  /** Empty exactly where `refused` says why no ratio may be printed. */
  samples: z.array(z.number()),
  refused: z.string().optional(),
  /** The most (or least, if more is better) it should be; printed beside it, never an error. */
  target: z.number().optional(),
});

/** Something that was checked, such as that no more requests were granted than allowed. */
const check = z.strictObject({ case: z.string(), what: z.string(), ok: z.boolean(), detail: z.string() });

/** Values over time, or over another quantity such as connections. */
const chart = z.strictObject({
  title: z.string().min(1),
  x: z.strictObject({ label: z.string(), unit: z.string() }),
  y: z.strictObject({ label: z.string(), unit: z.string() }),
  lines: z.array(z.strictObject({ name: z.string(), points: z.array(z.tuple([z.number(), z.number()])) })).min(1),
  /** Moments worth a mark on the x axis, such as `Redis killed`. */
  marks: z.array(z.strictObject({ x: z.number(), label: z.string() })).optional(),
});

/** Whose CPU time it was, over all rounds of a case: who was the limit can be seen from it. */
const cpuShare = z.strictObject({
  case: z.string(),
  subject: z.string(),
  /** Cores kept busy, by process: `gateway`, `load`, `upstream`, `redis`. */
  busyCores: z.record(z.string(), z.number()),
});

export const resultSchema = z.strictObject({
  schema: z.literal(RESULT_SCHEMA),
  suite: z.string(),
  question: z.string(),
  /** ISO 8601. */
  startedAt: z.string(),
  tookSeconds: z.number(),
  /** Of the gateway that was measured; `dirty` = with changes that are not committed. */
  commit: z.string(),
  dirty: z.boolean(),
  machine: z.strictObject({
    cpu: z.string(),
    cores: z.number(),
    memoryGiB: z.number(),
    kernel: z.string(),
    node: z.string(),
    /** Results from before it was asked for do not say. */
    pageTableIsolation: z.enum(PAGE_TABLE_ISOLATIONS).default('unknown'),
    /** Load average of the last minute before the run. */
    loadBefore: z.number(),
  }),
  /** Programs and their versions: wrk, HAProxy, redis-server … */
  tools: z.record(z.string(), z.string()),
  options: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  method: z.strictObject({
    load: z.string(),
    rounds: z.number(),
    secondsPerRun: z.number(),
    warmUpSeconds: z.number(),
    pinned: z.strictObject({ subject: z.number().nullable(), load: z.number().nullable() }),
    /** Requests per second that the load generator alone reaches against the upstream; null = not asked. */
    loadCeilingPerSecond: z.number().nullable(),
  }),
  measures: z.array(measure),
  ratios: z.array(ratio),
  checks: z.array(check),
  charts: z.array(chart),
  cpuShares: z.array(cpuShare),
  /** What a reader must know: subjects that were left out, runs that were not used and why. */
  notes: z.array(z.string()),
});

export type BenchResult = z.infer<typeof resultSchema>;
export type Measure = z.infer<typeof measure>;
export type Ratio = z.infer<typeof ratio>;
export type Check = z.infer<typeof check>;
export type Chart = z.infer<typeof chart>;
export type CpuShare = z.infer<typeof cpuShare>;
