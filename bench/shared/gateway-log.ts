import { z } from 'zod';
import type { Started } from './processes.ts';

const line = z.looseObject({ time: z.iso.datetime(), msg: z.string() });

/** One line of a gateway's log; `atMs` counts from the epoch, in whole milliseconds. */
export interface LogLine {
  readonly atMs: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** What a gateway has logged, as far as it is kept; lines that are not whole are left out. */
export function logLines({ stdout }: Pick<Started, 'stdout'>): readonly LogLine[] {
  return stdout.split('\n').flatMap((text) => {
    const parsed = line.safeParse(parse(text));
    return parsed.success ? [{ ...parsed.data, atMs: Date.parse(parsed.data.time) }] : [];
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // its beginning was dropped, or its end is still to come
  }
}

/** A moment of this process's `performance.now()` as milliseconds since the epoch, to hold it against log lines. */
export const epochMs = (monotonicMs: number): number => Date.now() - performance.now() + monotonicMs;
