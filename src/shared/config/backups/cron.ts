import { createRequire } from 'node:module';
import { fromText } from '../parsed.ts';

/** Read in any case, since they are the defaults; so a command of the shell need not load a parser for them. */
export const DEFAULT_SCHEDULE = '0 2 * * *';
export const DEFAULT_FULL_SCHEDULE = '0 3 * * 0';
const KNOWN: ReadonlySet<string> = new Set([DEFAULT_SCHEDULE, DEFAULT_FULL_SCHEDULE]);

const load = createRequire(import.meta.url);

/** @returns why it is none; `undefined` = it is a schedule, and comes again */
function whyNoSchedule(text: string): string | undefined {
  const fields = text.split(/\s+/).length;
  if (fields !== 5 && fields !== 6) return 'five fields, or six with seconds first';
  const { CronExpressionParser } = load('cron-parser') as typeof import('cron-parser');
  try {
    CronExpressionParser.parse(text, { tz: 'UTC' }).next();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Cron of five fields, or six with seconds first, in UTC. */
export const cron = fromText<string>((text) => {
  const trimmed = text.trim();
  const why = KNOWN.has(trimmed) ? undefined : whyNoSchedule(trimmed);
  return why === undefined
    ? { ok: true, value: trimmed }
    : { ok: false, expected: `a schedule in cron's form such as "${DEFAULT_SCHEDULE}" (${why})` };
});
