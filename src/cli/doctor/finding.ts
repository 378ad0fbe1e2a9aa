import { span } from '../output/text.ts';
import type { Line, Style } from '../output/text.ts';

export type Level = 'ok' | 'warn' | 'fail';

/** What one check has found. */
export interface Finding {
  /** What was looked at, such as `redis maxmemory`. */
  readonly check: string;
  readonly level: Level;
  readonly found: string;
  /** What to do; only where something is wrong. */
  readonly advice?: string;
}

export const ok = (check: string, found: string): Finding => ({ check, level: 'ok', found });
export const warn = (check: string, found: string, advice: string): Finding => ({
  check,
  level: 'warn',
  found,
  advice,
});
export const fail = (check: string, found: string, advice: string): Finding => ({
  check,
  level: 'fail',
  found,
  advice,
});

/** The worst of them. */
export function worstOf(findings: readonly Finding[]): Level {
  if (findings.some(({ level }) => level === 'fail')) return 'fail';
  return findings.some(({ level }) => level === 'warn') ? 'warn' : 'ok';
}

const STYLE = { ok: 'good', warn: 'warn', fail: 'bad' } as const satisfies Record<Level, Style>;
const LEVEL_WIDTH = 4;

/** One line for each finding, and one below it that says what to do. */
export function findingLines(findings: readonly Finding[]): readonly Line[] {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const indent = ' '.repeat(LEVEL_WIDTH + width + 4);
  return findings.flatMap(({ check, level, found, advice }): readonly Line[] => [
    [span(level.padEnd(LEVEL_WIDTH + 2), STYLE[level]), span(check.padEnd(width + 2)), span(found)],
    ...(advice === undefined ? [] : [[span(`${indent}→ ${advice}`, 'strong')]]),
  ]);
}
