import { monotonicMs } from '../../shared/clock.ts';
import type { Report } from '../../shared/backups/fetch-clear.ts';
import { bytes, count, duration } from '../output/quantities.ts';
import { fit, printable, span } from '../output/text.ts';

/** Where progress is shown: stderr, as a rule. */
export interface ProgressOutput {
  readonly isTTY: boolean;
  readonly columns: number;
  readonly write: (text: string) => void;
}

/** Between two changes of a line that people read. */
const REDRAW_MS = 100;
/** A rate before that would be a guess. */
const RATE_AFTER_MS = 500;
const CLEAR_LINE = '\r\u001b[K';

export interface ProgressView {
  readonly report: Report;
  /** Ends the line that is shown; before anything else is printed. */
  readonly done: () => void;
}

/** On a terminal one line that changes: step, bytes, rate, time left. Elsewhere one line a step. */
export function progressOn(out: ProgressOutput, clock: () => number = monotonicMs): ProgressView {
  let step = '';
  let [startedMs, drawnMs] = [0, 0];
  const draw = (line: string): void => out.write(CLEAR_LINE + fit([span(line)], out.columns - 1)[0]?.text);
  const finish = (): void => {
    if (step === '') return;
    const tookMs = clock() - startedMs;
    if (out.isTTY) {
      draw(`${step}: ${duration(tookMs / 1_000)}`);
      out.write('\n');
    }
    step = '';
  };
  return {
    report: ({ step: name, doneBytes, totalBytes, doneKeys, totalKeys }) => {
      const now = clock();
      const begins = printable(name) !== step;
      if (begins) {
        finish();
        step = printable(name);
        startedMs = now;
      }
      if (!out.isTTY) {
        if (begins) out.write(`${step}${sizeOf(totalBytes, totalKeys)} ...\n`);
      } else if (begins || now - drawnMs >= REDRAW_MS) {
        drawnMs = now;
        const far =
          totalKeys === undefined
            ? { done: doneBytes, total: totalBytes, show: bytes }
            : { done: doneKeys, total: totalKeys, show: keys };
        draw([step, ...howFar({ ...far, tookMs: now - startedMs })].join('  '));
      }
    },
    done: finish,
  };
}

const keys = (value: number): string => `${count(value)} keys`;

const sizeOf = (totalBytes: number | undefined, totalKeys: number | undefined): string => {
  if (totalKeys !== undefined) return ` (${keys(totalKeys)})`;
  return totalBytes === undefined ? '' : ` (${bytes(totalBytes)})`;
};

interface HowFar {
  readonly done: number | undefined;
  readonly total: number | undefined;
  readonly show: (value: number) => string;
  readonly tookMs: number;
}

function howFar({ done, total, show, tookMs }: HowFar): readonly string[] {
  if (done === undefined) return total === undefined ? ['...'] : [show(total), '...'];
  const words = [total === undefined ? show(done) : `${show(done)} of ${show(total)}`];
  if (tookMs < RATE_AFTER_MS || done === 0) return words;
  const perSecond = (done / tookMs) * 1_000;
  words.push(`${show(perSecond)}/s`);
  if (total !== undefined && total > done) words.push(`${duration(Math.ceil((total - done) / perSecond))} left`);
  return words;
}

/** Of this process. */
export const stderrOutput = (): ProgressOutput => ({
  isTTY: process.stderr.isTTY,
  columns: process.stderr.columns || 80,
  write: (text) => void process.stderr.write(text),
});
