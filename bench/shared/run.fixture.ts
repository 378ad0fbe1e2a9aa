import type { MeasuredRun } from './measured-run.ts';

/** A run of one subject, given what matters. */
export function runOf(subject: string, round: number, more: Partial<MeasuredRun> = {}): MeasuredRun {
  return {
    subject,
    round,
    load: {
      requests: 1000,
      statuses: { '200': 1000 },
      errors: 0,
      seconds: 1,
      p50Us: 700,
      p90Us: 900,
      p99Us: 1200,
      p999Us: 2000,
      maxUs: 3000,
      busyCores: 0.5,
      timeline: [],
      problems: [],
    },
    userUs: 4,
    systemUs: 6,
    redisUs: 0,
    totalUs: 10,
    scriptsPerRequest: 0,
    commandsPerRequest: 0,
    requestsPerSecond: 1000,
    busyCores: { [subject]: 0.95, load: 0.5 },
    problems: [],
    ...more,
  };
}
