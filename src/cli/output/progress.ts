import { monotonicMs } from '../../shared/clock.ts';
import { bytes, count, duration } from './quantities.ts';
import { fit, printable, span } from './text.ts';

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

/** How far a step is, as far as that is known; in bytes or in keys. */
export interface StepFar {
  readonly step: string;
  readonly doneBytes?: number | undefined;
  readonly totalBytes?: number | undefined;
  readonly doneKeys?: number;
  readonly totalKeys?: number;
}

export interface ProgressView {
  readonly report: (far: StepFar) => void;
  /** What is no step, such as whom is waited for; the same again is not repeated. */
  readonly say: (text: string) => void;
  /** Ends the line that is shown; before anything else is printed. */
  readonly done: () => void;
}

/** On a terminal one line that changes: step, bytes, rate, time left. Elsewhere one line a step. */
export function progressOn(out: ProgressOutput, clock: () => number = monotonicMs): ProgressView {
  let step = '';
  let said = '';
  let [startedMs, drawnMs, from] = [0, 0, 0];
  const draw = (line: string): void => out.write(CLEAR_LINE + fit([span(line)], out.columns - 1)[0]?.text);
  const finish = (): void => {
    if (said !== '' && out.isTTY) out.write(CLEAR_LINE);
    said = '';
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
        from = doneBytes ?? doneKeys ?? 0; // somebody else's step may have begun before it was seen
      }
      if (!out.isTTY) {
        if (begins) out.write(`${step}${sizeOf(totalBytes, totalKeys)} ...\n`);
      } else if (begins || now - drawnMs >= REDRAW_MS) {
        drawnMs = now;
        const far =
          totalKeys === undefined
            ? { done: doneBytes, total: totalBytes, show: bytes }
            : { done: doneKeys, total: totalKeys, show: keys };
        draw([step, ...howFar({ ...far, from, tookMs: now - startedMs })].join('  '));
      }
    },
    say: (text) => {
      if (text === said) return;
      finish();
      said = text;
      if (out.isTTY) draw(printable(text));
      else out.write(`${printable(text)}\n`);
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
  /** What was done when it was first seen. */
  readonly from: number;
  readonly total: number | undefined;
  readonly show: (value: number) => string;
  readonly tookMs: number;
}

function howFar({ done, from, total, show, tookMs }: HowFar): readonly string[] {
  if (done === undefined) return total === undefined ? ['...'] : [show(total), '...'];
  const words = [total === undefined ? show(done) : `${show(done)} of ${show(total)}`];
  if (tookMs < RATE_AFTER_MS || done <= from) return words;
  const perSecond = ((done - from) / tookMs) * 1_000;
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
